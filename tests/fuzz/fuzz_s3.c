/* What an S3 server answers, and URLs of jobs. */
#include "io/s3.h"
#include "io/xml.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "Code", "Status", "SessionToken" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[S3_TEXT_SIZE] = "";
        if (!xml_text(bytes_of(data, size), names[i], 1 + 2 * (i > 1), text, sizeof text)) continue;
        assert(strlen(text) < S3_TEXT_SIZE);
        for (size_t c = 0; text[c]; c++) assert((unsigned char)text[c] >= ' ');
    }
    char *url = xcalloc(size + 1, 1);
    if (size > 0) memcpy(url, data, size);
    if (s3_url_signs(url, S3_SHA256_HEADER)) assert(strstr(url, S3_SHA256_HEADER));
    if (s3_url_is_safe(url)) assert(text_starts(url, "http"));
    auto_free(&url);
    return 0;
}

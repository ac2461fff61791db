#include "shell/http_reply.h"

#include <stdint.h>
#include <string.h>

enum MHD_Result http_reply(struct MHD_Connection *connection, unsigned status, const char *text,
                           const char *header, const char *value)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    enum MHD_Result result = MHD_YES;
    if (header) result = MHD_add_response_header(response, header, value);
    if (result == MHD_YES) result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

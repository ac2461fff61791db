#include "client/upload.h"

#include "client/settings.h"
#include "io/digest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void name_part(struct digest *digest, const char *text)
{
    /* With its NUL, so that two neighbours cannot trade letters. */
    digest_update(digest, bytes_of(text, strlen(text) + 1));
}

static void upload_name(const struct push_request *push, const char *coordinator,
                        char out[DIGEST_HEX_SIZE])
{
    AUTO(digest_deinit) struct digest digest;
    uint8_t raw[DIGEST_SIZE];
    digest_init(&digest);
    name_part(&digest, coordinator);
    name_part(&digest, push->store);
    name_part(&digest, push->key);
    name_part(&digest, push->summary);
    digest_update(&digest, bytes_of(push->sha256, SHA256_SIZE));
    digest_update(&digest, bytes_of(&push->size, sizeof push->size));
    digest_end(&digest, raw);
    hex_format(raw, sizeof raw, out);
}

bool upload_begin(struct push_request *push, const char *coordinator, struct prng *random,
                  struct upload_state *out, struct error *err)
{
    char folder[FS_PATH_MAX], name[DIGEST_HEX_SIZE], text[ID_SIZE] = "";
    struct error missing;
    AUTO(buf_deinit) struct buf old;
    buf_init(&old, ID_SIZE - 1);
    *out = (struct upload_state){ .path = "" };
    push->submission = id_new_uuid(random);
    upload_name(push, coordinator, name);
    if (!settings_state_folder("uploads", folder, err) || !fs_make_folders(folder, 0700, err) ||
        !fs_join(out->path, folder, name, err)) {
        out->path[0] = '\0';
        return false;
    }
    if (fs_read_file(out->path, &old, &missing) && old.len > 0) {
        memcpy(text, old.data, old.len);
        out->resumed = id_parse(text, &push->submission);
        if (out->resumed) return true;
    }
    return fs_write_atomic(out->path, bytes_of_text(push->submission.text), 0600, err);
}

void upload_end(const struct upload_state *state)
{
    if (state->path[0]) (void)unlink(state->path);
}

/* http_reply.h - a short answer of the coordinator's HTTPS server.
 *
 * `text` is copied; `header` with its value may be NULL. MHD_NO ends the connection.
 */
#pragma once
#include <microhttpd.h>

enum MHD_Result http_reply(struct MHD_Connection *connection, unsigned status, const char *text,
                           const char *header, const char *value);

#include "io/link_internal.h"

#include <assert.h>
#include <string.h>
#include <zmq.h>

bool link_zmq_error(struct error *err, const char *what)
{
    int number = zmq_errno();
    enum error_code code = ERR_FATAL;
    if (number == EADDRINUSE || number == EADDRNOTAVAIL || number == EMFILE) code = ERR_RETRY;
    if (number == EINVAL || number == EPROTONOSUPPORT || number == ENODEV) code = ERR_INVALID;
    if (number == EACCES || number == EPERM) code = ERR_DENIED;
    return error_set(err, code, "%s: %s", what, zmq_strerror(number));
}

bool link_endpoint_check(const char *endpoint, struct error *err)
{
    /* Over inproc libzmq skips CURVE, and ipc, pgm and the like are not wanted: TCP or nothing. */
    if (!text_starts(endpoint, "tcp://") || strlen(endpoint) >= LINK_ENDPOINT_SIZE)
        return error_set(err, ERR_INVALID, "'%.64s' is not an endpoint like tcp://ADDRESS:PORT",
                         endpoint);
    return true;
}

bool link_option_set(void *socket, int option, int value, struct error *err)
{
    if (zmq_setsockopt(socket, option, &value, sizeof value))
        return error_set(err, ERR_FATAL, "ZeroMQ option %d = %d: %s", option, value,
                         zmq_strerror(zmq_errno()));
    return true;
}

/* An option that the library accepted but did not take over is as bad as a refused one. */
static bool link_option_prove(void *socket, int option, int value, struct error *err)
{
    if (!link_option_set(socket, option, value, err)) return false;
    int is = ~value;
    size_t size = sizeof is;
    if (zmq_getsockopt(socket, option, &is, &size) || is != value)
        return error_set(err, ERR_FATAL, "ZeroMQ option %d reads back as %d instead of %d", option,
                         is, value);
    return true;
}

struct link_option {
    int option, value;
};

static const struct link_option options_common[] = {
    { ZMQ_LINGER, 0 },
    { ZMQ_IMMEDIATE, 1 },
    { ZMQ_SNDHWM, LINK_QUEUE_MAX },
    { ZMQ_RCVHWM, LINK_QUEUE_MAX },
    { ZMQ_HANDSHAKE_IVL, LINK_HANDSHAKE_MS },
    { ZMQ_HEARTBEAT_IVL, 0 },
    { ZMQ_TCP_KEEPALIVE, 1 },
    { ZMQ_TCP_KEEPALIVE_IDLE, LINK_KEEPALIVE_IDLE_S },
    { ZMQ_TCP_KEEPALIVE_INTVL, LINK_KEEPALIVE_INTERVAL_S },
    { ZMQ_TCP_KEEPALIVE_CNT, LINK_KEEPALIVE_COUNT },
    { ZMQ_TCP_MAXRT, LINK_UNACKED_MS }, /* TCP_USER_TIMEOUT on Linux */
};

bool link_options_common(void *socket, const char *endpoint, struct error *err)
{
    for (size_t i = 0; i < sizeof options_common / sizeof *options_common; i++) {
        const struct link_option *o = &options_common[i];
        if (!link_option_prove(socket, o->option, o->value, err)) return false;
    }
    int64_t max = LINK_FRAME_MAX, is = 0;
    size_t size = sizeof is;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof max) ||
        zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &is, &size) || is != max)
        return error_set(err, ERR_FATAL, "ZeroMQ does not limit the size of messages");
    /* Only where the address is one: names then keep resolving to what the host can reach. */
    return !strchr(endpoint, '[') || link_option_prove(socket, ZMQ_IPV6, 1, err);
}

static bool link_option_text(void *socket, int option, const char *text, struct error *err)
{
    if (zmq_setsockopt(socket, option, text, strlen(text)))
        return error_set(err, ERR_INVALID, "ZeroMQ option %d refuses its text: %s", option,
                         zmq_strerror(zmq_errno()));
    return true;
}

static bool link_mechanism_prove(void *socket, struct error *err)
{
    int mechanism = ZMQ_NULL;
    size_t size = sizeof mechanism;
    if (zmq_getsockopt(socket, ZMQ_MECHANISM, &mechanism, &size) || mechanism != ZMQ_CURVE)
        return error_set(err, ERR_FATAL, "ZeroMQ does not use CURVE");
    return true;
}

bool link_options_server(void *socket, const struct keys_pair *server, const char *domain,
                         struct error *err)
{
    assert(domain[0] != '\0');
    char is[64];
    size_t size = sizeof is;
    /* These two cannot be read back; a refusal is an error, and the tests see their effect. */
    if (!link_option_set(socket, ZMQ_ROUTER_MANDATORY, 1, err)) return false;
    if (!link_option_set(socket, ZMQ_ROUTER_HANDOVER, 0, err)) return false;
    if (!link_option_prove(socket, ZMQ_BACKLOG, LINK_BACKLOG, err)) return false;
    if (!link_option_prove(socket, ZMQ_CURVE_SERVER, 1, err)) return false;
    if (!link_option_text(socket, ZMQ_CURVE_SECRETKEY, server->secret_z85, err)) return false;
    if (!link_option_text(socket, ZMQ_ZAP_DOMAIN, domain, err)) return false;
    if (zmq_getsockopt(socket, ZMQ_ZAP_DOMAIN, is, &size) || !text_equal(is, domain))
        return error_set(err, ERR_FATAL, "ZeroMQ does not keep the ZAP domain '%s'", domain);
    if (!link_option_prove(socket, LINK_ZAP_ENFORCE_DOMAIN, 1, err)) return false;
    return link_mechanism_prove(socket, err);
}

bool link_options_client(void *socket, const struct keys_pair *own, const char *server_public_z85,
                         struct error *err)
{
    if (!link_option_text(socket, ZMQ_CURVE_SERVERKEY, server_public_z85, err))
        return error_wrap(err, "the coordinator's public key");
    if (!link_option_text(socket, ZMQ_CURVE_PUBLICKEY, own->public_z85, err))
        return error_wrap(err, "our public key");
    if (!link_option_text(socket, ZMQ_CURVE_SECRETKEY, own->secret_z85, err))
        return error_wrap(err, "our secret key");
    return link_mechanism_prove(socket, err);
}

#include "client/tree_frame.h"

#include "client/facts.h"

static void head_trunk(struct print *out)
{
    print_style(out, STYLE_DIM);
    print_glyph(out, GLYPH_TRUNK);
    print_style(out, STYLE_PLAIN);
}

void tree_head(struct print *out, const struct execution *e, bool narrow)
{
    char duration[PRINT_TIME_SIZE];
    print_duration(facts_duration(e->started_ms, e->ended_ms, out->mode.now_ms), duration);
    print_styled(out, STYLE_BOLD, e->pipeline);
    print_format(out, "  execution %.8s  ", e->id.text);
    print_styled(out, print_status_style(e->status), status_name(e->status));
    print_format(out, "  %s   trigger: %s", duration, trigger_name(e->trigger));
    if (e->trigger_detail[0]) {
        print_raw(out, " ");
        print_text(out, e->trigger_detail);
    }
    if (e->ended_ms) {
        print_raw(out, out->mode.relative ? "   ended " : "   ended at ");
        print_time(out, e->ended_ms);
    }
    print_raw(out, "\n");
    for (size_t i = 0; i < e->variable_count; i++) {
        head_trunk(out);
        print_raw(out, " variable ");
        print_text(out, e->variables[i].name);
        print_raw(out, "=");
        print_text(out, e->variables[i].value);
        print_raw(out, "\n");
    }
    for (size_t i = 0; i < e->revision_count; i++) {
        const struct revision *revision = &e->revisions[i];
        head_trunk(out);
        print_raw(out, " source s3://");
        print_text(out, revision->ref.store);
        print_raw(out, "/");
        print_text(out, revision->ref.key);
        if (narrow) {
            print_raw(out, "\n");
            head_trunk(out);
        } else {
            print_raw(out, " ");
        }
        print_raw(out, " version ");
        print_text(out, revision->revision_id);
        if (revision->summary[0]) {
            print_raw(out, "  ");
            print_styled(out, STYLE_DIM, revision->summary);
        }
        print_raw(out, "\n");
    }
}

/* "3 regions, same version: yes (sha256 9f2c…e1 verified in each)" */
static void foot_version(struct print *out, const struct execution_view *view)
{
    struct version_facts version = facts_of_version(view);
    char digest[HEX_SHA256_SIZE];
    if (version.regions == 0) return;
    print_format(
        out, version.regions == 1 ? "%zu region, same version: " : "%zu regions, same version: ",
        version.regions);
    if (version.differ) {
        print_styled(out, STYLE_BAD, "no, a copy has another digest");
    } else if (version.verified == version.regions && version.revision) {
        hex_format(version.revision->ref.sha256, SHA256_SIZE, digest);
        print_styled(out, STYLE_GOOD, "yes");
        print_format(out, " (sha256 %.4s", digest);
        print_glyph(out, GLYPH_ELLIPSIS);
        print_format(out, "%s verified in each)", digest + HEX_SHA256_SIZE - 3);
    } else if (version.verified == version.regions) {
        print_styled(out, STYLE_GOOD, "each artifact verified in each");
    } else {
        print_format(out,
                     status_ended(view->execution.status) ? "verified in %zu only"
                                                          : "verified in %zu so far",
                     version.verified);
    }
}

static void foot_dollars(struct print *out, const char *before, uint64_t nano)
{
    if (nano > 0 && nano < 100000)
        print_format(out, "%sunder $0.0001", before);
    else
        print_format(out, "%s$%llu.%04llu", before, (unsigned long long)(nano / 1000000000),
                     (unsigned long long)(nano % 1000000000 / 100000));
}

/* "1.2 MB crossed regions ($0.0001), 198.8 MB did not have to ($0.0039)" */
static void foot_traffic(struct print *out, const struct execution *e)
{
    struct traffic_facts traffic = facts_of_traffic(e);
    if (traffic.bytes == 0 && traffic.saved == 0) return;
    print_bytes(out, traffic.bytes);
    print_raw(out, " crossed regions");
    if (traffic.priced) foot_dollars(out, " (", traffic.cost);
    if (traffic.priced) print_raw(out, ")");
    if (traffic.saved > 0) {
        print_raw(out, ", ");
        print_bytes(out, traffic.saved);
        print_raw(out, " did not have to");
        if (traffic.priced) foot_dollars(out, " (", traffic.cost_saved);
        if (traffic.priced) print_raw(out, ")");
    }
    print_raw(out, "\n");
}

void tree_foot(struct print *out, const struct execution_view *view)
{
    foot_traffic(out, &view->execution);
    foot_version(out, view);
}

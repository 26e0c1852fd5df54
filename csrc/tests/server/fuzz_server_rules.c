/* libFuzzer target: documents of lifecycle, replication and policy. Rules that are accepted can be
 * shown, and what is shown is accepted again and means the same. */
#include "core/clock.h"
#include "server/lifecycle.h"
#include "server/policy.h"
#include "server/replication.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static enum s3p_srv_error parse_lifecycle(struct s3p_str body, struct s3p_buf *out)
{
    return s3p_srv_lifecycle_parse(body, S3P_S, out);
}

/* An XML reader makes a line feed of every end of a line. */
static bool plain(struct s3p_str s)
{
    return memchr(s.p, '\r', s.len) == NULL;
}

static void round_trip(struct s3p_str body,
                       enum s3p_srv_error (*parse)(struct s3p_str, struct s3p_buf *),
                       bool (*show)(struct s3p_buf *, struct s3p_str))
{
    struct s3p_buf set, shown, again, shown_again;
    s3p_buf_init(&set, 1 << 24);
    s3p_buf_init(&shown, 1 << 24);
    s3p_buf_init(&again, 1 << 24);
    s3p_buf_init(&shown_again, 1 << 24);
    if (parse(body, &set) == S3P_SE_NONE) {
        struct s3p_str stored = {set.data, set.len};
        CHECK(show(&shown, stored));
        if (plain((struct s3p_str){shown.data, shown.len})) {
            CHECK(parse((struct s3p_str){shown.data, shown.len}, &again) == S3P_SE_NONE);
            CHECK(show(&shown_again, (struct s3p_str){again.data, again.len}));
            CHECK(shown.len == shown_again.len &&
                  memcmp(shown.data, shown_again.data, shown.len) == 0);
        }
        struct s3p_srv_record r = {.size = body.len, .noncurrent_wall_ns = 1};
        struct s3p_srv_life_entry e = {body, &r, (body.len & 1) != 0, false, 3};
        (void)s3p_srv_life_judge(stored, &e, S3P_S, S3P_S);
    }
    s3p_buf_free(&set);
    s3p_buf_free(&shown);
    s3p_buf_free(&again);
    s3p_buf_free(&shown_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_str body = {(const char *)data, size};
    unsigned bits = 0;
    if (s3p_srv_policy_parse(body, S3P_STR("bkt"), &bits) == S3P_SE_NONE)
        CHECK(bits != 0 && bits <= (S3P_SRV_PUBLIC_READ | S3P_SRV_PUBLIC_LIST));
    round_trip(body, parse_lifecycle, s3p_srv_lifecycle_xml);
    round_trip(body, s3p_srv_replication_parse, s3p_srv_replication_xml);
    return 0;
}

#include "server/lock.h"

#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/commit.h"
#include "server/settings.h"
#include "server/versions.h"

#define DAY_NS (24 * 3600 * S3P_S)
#define YEAR_DAYS 365

static const char *const modes[] = {NULL, "GOVERNANCE", "COMPLIANCE"};
static const char *const holds[] = {NULL, "OFF", "ON"};

/* The place of a text in three of them, 0 when it is none. */
static unsigned place(const char *const words[3], struct s3p_str text)
{
    return s3p_str_eq(text, words[1]) ? 1 : s3p_str_eq(text, words[2]) ? 2 : 0;
}

enum s3p_srv_lock_mode s3p_srv_lock_mode(struct s3p_str text)
{
    return (enum s3p_srv_lock_mode)place(modes, text);
}

enum s3p_srv_hold s3p_srv_lock_hold(struct s3p_str text)
{
    return (enum s3p_srv_hold)place(holds, text);
}

const char *s3p_srv_lock_mode_text(unsigned mode)
{
    return modes[mode];
}

bool s3p_srv_lock_holds(const struct s3p_srv_lock *l, int64_t now_wall_ns, bool bypass)
{
    bool retained = l->mode != S3P_SRV_LOCK_NONE && l->until_wall_ns > now_wall_ns;
    return l->hold == S3P_SRV_HOLD_ON ||
           (retained && !(bypass && l->mode == S3P_SRV_LOCK_GOVERNANCE));
}

bool s3p_srv_lock_given(const struct s3p_srv_lock *l)
{
    return l->mode != S3P_SRV_LOCK_NONE || l->hold != S3P_SRV_HOLD_UNSET;
}

bool s3p_srv_lock_bypass(const struct s3p_srv_req *req)
{
    return s3p_srv_same_nocase(s3p_srv_head_get(&req->head, "x-amz-bypass-governance-retention"),
                               "true");
}

enum s3p_srv_error s3p_srv_lock_collect(struct s3p_srv_req *req)
{
    struct s3p_str mode = s3p_srv_head_get(&req->head, "x-amz-object-lock-mode");
    struct s3p_str until = s3p_srv_head_get(&req->head, "x-amz-object-lock-retain-until-date");
    struct s3p_str hold = s3p_srv_head_get(&req->head, "x-amz-object-lock-legal-hold");
    struct s3p_srv_lock *l = &req->lock;
    if ((mode.p == NULL) != (until.p == NULL))
        return S3P_SE_LOCK_PAIR;
    if (mode.p != NULL && (l->mode = (uint8_t)s3p_srv_lock_mode(mode)) == S3P_SRV_LOCK_NONE)
        return S3P_SE_LOCK_MODE;
    if (until.p != NULL && !s3p_parse_iso_date(until.p, until.len, &l->until_wall_ns))
        return S3P_SE_LOCK_DATE;
    if (hold.p != NULL && (l->hold = (uint8_t)s3p_srv_lock_hold(hold)) == S3P_SRV_HOLD_UNSET)
        return S3P_SE_LOCK_HOLD;
    return S3P_SE_NONE;
}

bool s3p_srv_lock_of_bucket(struct s3p_srv_txn *t, struct s3p_srv_lock_rule *out)
{
    struct s3p_str stored;
    if (t->bucket.versioning != S3P_SRV_VERSIONED)
        return false;
    int rc =
        s3p_srv_setting_get(t->txn, &t->srv->store, t->bucket.id, S3P_SRV_SET_LOCK, &stored);
    if (rc == 0 && stored.len != sizeof *out)
        rc = MDB_CORRUPTED;
    if (rc == 0)
        memcpy(out, stored.p, sizeof *out);
    else if (rc != MDB_NOTFOUND)
        t->rc = rc;
    return rc == 0;
}

enum s3p_srv_error s3p_srv_lock_asked(struct s3p_srv_txn *t, const struct s3p_srv_req *req)
{
    const struct s3p_srv_lock *l = &req->lock;
    struct s3p_srv_lock_rule rule;
    if (!s3p_srv_lock_given(l))
        return S3P_SE_NONE;
    if (!s3p_srv_lock_of_bucket(t, &rule))
        return S3P_SE_LOCK_BUCKET;
    return l->mode != S3P_SRV_LOCK_NONE && l->until_wall_ns <= t->wall_ns ? S3P_SE_LOCK_PAST
                                                                          : S3P_SE_NONE;
}

void s3p_srv_lock_default(struct s3p_srv_txn *t, struct s3p_srv_record *r)
{
    struct s3p_srv_lock_rule rule;
    if (r->marker || r->lock.mode != S3P_SRV_LOCK_NONE || !s3p_srv_lock_of_bucket(t, &rule) ||
        rule.mode == S3P_SRV_LOCK_NONE)
        return;
    r->lock.mode = rule.mode;
    r->lock.until_wall_ns = t->wall_ns + DAY_NS * rule.n * (rule.years ? YEAR_DAYS : 1);
}

enum s3p_srv_error s3p_srv_lock_judge(struct s3p_srv_txn *t, const struct s3p_srv_req *req,
                                      struct s3p_str key, const struct s3p_srv_wanted *wanted)
{
    struct s3p_srv_record r;
    bool current;
    if (t->bucket.versioning == S3P_SRV_NEVER_VERSIONED)
        return S3P_SE_NONE;
    int rc = s3p_srv_version_find(t->txn, &t->srv->store, t->bucket.id, key, wanted, &r, &current);
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    return rc == 0 && s3p_srv_lock_holds(&r.lock, t->wall_ns, s3p_srv_lock_bypass(req))
               ? S3P_SE_LOCKED
               : S3P_SE_NONE;
}

void s3p_srv_lock_replica(struct s3p_srv_txn *t, struct s3p_srv_record *replica)
{
    struct s3p_srv_lock_rule rule;
    if (!s3p_srv_lock_of_bucket(t, &rule))
        replica->lock = (struct s3p_srv_lock){.mode = S3P_SRV_LOCK_NONE};
}

void s3p_srv_lock_fields(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    char date[24];
    if (r->lock.mode != S3P_SRV_LOCK_NONE) {
        const char *mode = modes[r->lock.mode];
        s3p_iso_date(date, r->lock.until_wall_ns);
        s3p_srv_answer_field(req, "x-amz-object-lock-mode", (struct s3p_str){mode, strlen(mode)});
        s3p_srv_answer_field(req, "x-amz-object-lock-retain-until-date",
                             (struct s3p_str){date, sizeof date});
    }
    if (r->lock.hold != S3P_SRV_HOLD_UNSET) {
        const char *hold = holds[r->lock.hold];
        s3p_srv_answer_field(req, "x-amz-object-lock-legal-hold",
                             (struct s3p_str){hold, strlen(hold)});
    }
}

enum s3p_srv_error s3p_srv_lock_wanted(const struct s3p_srv_head *h, bool *wanted)
{
    struct s3p_str value = s3p_srv_head_get(h, "x-amz-bucket-object-lock-enabled");
    *wanted = s3p_srv_same_nocase(value, "true");
    return value.p == NULL || *wanted || s3p_srv_same_nocase(value, "false") ? S3P_SE_NONE
                                                                             : S3P_SE_ARGUMENT;
}

void s3p_srv_lock_begin(struct s3p_srv_txn *t, uint64_t bucket)
{
    const struct s3p_srv_lock_rule none = {.mode = S3P_SRV_LOCK_NONE};
    s3p_srv_txn_edited(t, s3p_srv_setting_put(t->txn, &t->srv->store, bucket, S3P_SRV_SET_LOCK,
                                              (struct s3p_str){(const char *)&none, sizeof none}));
}

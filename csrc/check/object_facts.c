#include "check/object_facts.h"

#include <string.h>

#include "check/bucket_rules.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/outcome.h"

enum { KEPT_MAX = 1 << 17 }; /* of a larger key the workspace is not kept */

static void add(struct s3p_fact_list *l, const struct s3p_kept *r, unsigned what, int64_t inv,
                int64_t res)
{
    if (what != 0)
        l->fact[l->n++] = (struct s3p_fact){inv, res, r->record, (uint8_t)what, 0};
}

/* Others had a hand in it: writers outside the plan, or a proxy. Whatever it seems to be, it may
 * have changed the key at any time. */
static bool is_touched(const struct s3p_kept *r)
{
    return S3P_ON(OBJECT_TOUCHED_ANY, r->kind == S3P_ROW_SPOIL) &&
           (S3P_OFF(OBJECT_TOUCHED_WRITER, r->value == S3P_WHY_FOREIGN_WRITER) ||
            S3P_OFF(OBJECT_TOUCHED_RUN, r->value == S3P_WHY_FOREIGN_RUN) ||
            S3P_OFF(OBJECT_TOUCHED_TWICE, r->value == S3P_WHY_MULTI_DELIVERY) ||
            S3P_OFF(OBJECT_TOUCHED_ALTERED, r->value == S3P_WHY_ALTERED));
}

/* What the row changed, or may have changed. */
static unsigned changes(const struct s3p_kept *r)
{
    if (r->kind == S3P_ROW_READ ||
        S3P_OFF(OBJECT_FAILED_CHANGES, s3p_kept_outcome(r) == S3P_FAILED))
        return 0;
    if (r->kind == S3P_ROW_DELETE) /* a version that goes lets an older one show */
        return S3P_OFF(OBJECT_REVIVES_OFF, r->size == S3P_ROW_BY_VERSION)
                   ? S3P_FACT_REMOVES | S3P_FACT_MAKES
                   : S3P_FACT_REMOVES;
    return S3P_FACT_MAKES;
}

/* Of what nobody answered it holds at its end (add_row), which never comes; of a version that goes
 * (changes), beside a change that may have come after it. */
static unsigned evidence_of(const struct s3p_kept *r)
{
    static const uint8_t of_read[S3P_ROW_EVIDENCE + 1] = {
        [S3P_EV_VALUE] = S3P_FACT_THERE,
        [S3P_EV_PRESENT] = S3P_FACT_THERE,
        [S3P_EV_MATCH] = S3P_FACT_THERE,
        [S3P_EV_ABSENT] = S3P_FACT_GONE,
    };
    if (S3P_OFF(OBJECT_READ_SHOWS, r->kind == S3P_ROW_READ) ||
        S3P_OFF(OBJECT_REFUSED_SHOWS, s3p_kept_outcome(r) == S3P_FAILED))
        return of_read[r->bits & S3P_ROW_EVIDENCE];
    return r->kind == S3P_ROW_DELETE ? S3P_FACT_GONE : S3P_FACT_THERE;
}

static void add_row(struct s3p_fact_list *l, const struct s3p_kept *r)
{
    if (S3P_OFF(OBJECT_TOUCHED_OFF, is_touched(r))) {
        add(l, r, S3P_FACT_MAKES | S3P_FACT_REMOVES, INT64_MIN, INT64_MAX);
        return;
    }
    /* It may yet take effect. */
    bool open = S3P_OFF(OBJECT_OPEN_OFF, s3p_kept_outcome(r) == S3P_UNKNOWN);
    add(l, r, changes(r) | evidence_of(r), r->inv, open ? INT64_MAX : s3p_kept_res(r));
}

/* A rule of the bucket may remove what the row made. */
static void add_expiry(struct s3p_fact_list *l, const struct s3p_bucket_rules *rules,
                       const struct s3p_kept *r)
{
    int64_t due = S3P_OFF(OBJECT_EXPIRY_READ, r->kind == S3P_ROW_READ) ||
                          S3P_OFF(OBJECT_EXPIRY_DELETE, r->kind == S3P_ROW_DELETE)
                      ? INT64_MAX
                      : s3p_expires_record(rules, r->record);
    if (due != INT64_MAX)
        add(l, r, S3P_FACT_REMOVES, due, INT64_MAX);
}

int s3p_object_member(struct s3p_members *objects, struct s3p_fact_list *l,
                      const struct s3p_index *x, uint32_t key,
                      const struct s3p_bucket_rules *rules, struct s3p_err *err)
{
    const struct s3p_key *k = &x->key[key];
    struct s3p_member name = {.index = k->key_index, .place = k->place};
    if (2 * k->rows > l->cap) { /* a row, and its expiry */
        s3p_free(l->fact);
        l->cap = 2 * k->rows;
        l->fact = s3p_alloc(l->cap * sizeof *l->fact);
        if (l->fact == NULL) {
            l->cap = 0;
            return s3p_fail(err, S3P_ENOMEM, 0, "%u attempts on one key", k->rows);
        }
    }
    l->n = 0;
    for (uint32_t i = 0; i < k->rows; i++)
        add_row(l, &x->row[x->order[k->first + i]]);
    for (uint32_t i = 0; rules != NULL && i < k->rows; i++)
        add_expiry(l, rules, &x->row[x->order[k->first + i]]);
    int rc = s3p_members_add(objects, &l->windows, &name, l->fact, l->n, err);
    if (l->cap > KEPT_MAX)
        s3p_fact_list_free(l);
    return rc;
}

void s3p_fact_list_free(struct s3p_fact_list *l)
{
    s3p_free(l->fact);
    s3p_windows_free(&l->windows);
    memset(l, 0, sizeof *l);
}

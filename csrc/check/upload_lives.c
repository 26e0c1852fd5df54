/* Requests that were answered with NoSuchUpload although the upload was there: its Create had been
 * acknowledged before the call, and until the answer nobody had called anything that may have ended
 * it: a Complete or an Abort that was not refused, a Complete whose condition did not hold, a
 * deletion of its bucket; nor was it old enough for a rule of the bucket. A page of parts may be as
 * late as the profile allows.
 * Source: S3 API Reference, error NoSuchUpload ("aborted or completed"). */
#include "check/bucket_rules.h"
#include "check/keymap.h"
#include "check/load.h"
#include "check/mutate.h"
#include "check/objects.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
#define TOUCHED (S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED)
#define OF_UPLOADS                                                                                 \
    (S3P_BIT(S3P_OP_UPLOAD_PART) | S3P_BIT(S3P_OP_UPLOAD_PART_COPY) | S3P_BIT(S3P_OP_LIST_PARTS) | \
     S3P_BIT(S3P_OP_COMPLETE_UPLOAD) | S3P_BIT(S3P_OP_ABORT_UPLOAD))

struct lives {
    const struct s3p_objects *o;
    struct s3p_tally *tally;
    int64_t *gone; /* of each bucket: it may be deleted from then on */
};

static void note_deletion(const struct lives *l, const struct s3p_segment_view *s, uint32_t i)
{
    int64_t *gone = &l->gone[COL(s, uint16_t, bucket)[i]], call = COL(s, int64_t, t_call)[i];
    bool refused = COL(s, uint8_t, outcome)[i] == S3P_FAILED &&
                   S3P_ON(UPLOAD_BUCKET_TOUCHED, (COL(s, uint8_t, flags)[i] & TOUCHED) == 0);
    if (COL(s, uint8_t, op)[i] != S3P_OP_DELETE_BUCKET || S3P_OFF(UPLOAD_BUCKET_REFUSED, refused))
        return;
    *gone = call < *gone ? call : *gone;
}

static int64_t expires(const struct s3p_objects *o, const struct s3p_upload *up)
{
    uint32_t i;
    if (o->head->rules == NULL)
        return INT64_MAX;
    const struct s3p_segment_view *s = s3p_histfile_find(o->file, up->create, &i);
    return s3p_expires_upload(o->head->rules, s, i);
}

static bool is_at(const struct s3p_objects *o, const struct s3p_upload *up,
                  const struct s3p_segment_view *s, uint32_t i)
{
    uint64_t key = COL(s, uint64_t, key_index)[i];
    uint16_t place = (uint16_t)(COL(s, uint16_t, space)[i] * o->head->buckets +
                                COL(s, uint16_t, bucket)[i]);
    if (o->keys->aliased[place])
        s3p_keymap_canon(o->keys, &place, &key);
    return place == up->place && key == up->key_index;
}

/* The upload that the refused request must have found; NULL. */
static const struct s3p_upload *missed(const struct lives *l, const struct s3p_segment_view *s,
                                       uint32_t i)
{
    struct s3p_str text = s3p_segment_text(s, COL(s, uint32_t, upload_id)[i]),
                   code = s3p_segment_text(s, COL(s, uint32_t, code_text)[i]);
    uint16_t bucket = COL(s, uint16_t, bucket)[i];
    if (S3P_OFF(UPLOAD_LOST_CODE_ANY, !s3p_str_eq(code, "NoSuchUpload")) ||
        S3P_OFF(UPLOAD_LOST_TOUCHED, (COL(s, uint8_t, flags)[i] & TOUCHED) != 0))
        return NULL;
    const uint32_t *u = s3p_idmap_find(&l->o->by_text, s3p_idmap_text(text, bucket));
    const struct s3p_upload *up = u != NULL ? &l->o->upload[*u] : NULL;
    bool page = COL(s, uint8_t, op)[i] == S3P_OP_LIST_PARTS;
    int64_t from = page ? s3p_load_listed_since(l->o->head, s, i) : COL(s, int64_t, t_call)[i];
    int64_t to = COL(s, int64_t, t_return)[i];
    if (up == NULL || S3P_OFF(UPLOAD_LOST_KEY_ANY, !is_at(l->o, up, s, i)) ||
        S3P_LE(UPLOAD_LOST_BEGUN_LT, from, up->created) ||
        S3P_LE(UPLOAD_LOST_ENDED_LT, up->may_end, to) ||
        S3P_LE(UPLOAD_LOST_BUCKET_LT, l->gone[bucket], to) ||
        S3P_LE(UPLOAD_LOST_EXPIRED_LT, expires(l->o, up), to))
        return NULL;
    return up;
}

static int judge(const struct lives *l, const struct s3p_segment_view *s, uint32_t i,
                 struct s3p_err *err)
{
    const struct s3p_upload *up;
    if ((S3P_BIT(COL(s, uint8_t, op)[i]) & OF_UPLOADS) == 0 ||
        COL(s, uint8_t, outcome)[i] != S3P_FAILED || (up = missed(l, s, i)) == NULL)
        return 0;
    struct s3p_hit h = {.key_index = up->key_index,
                        .place = up->place,
                        .rule = S3P_RULE_UPLOAD_LOST,
                        .n = 2,
                        .record = {(uint32_t)(s->first_record + i), up->create}};
    return s3p_tally_hit(l->tally, &h, err);
}

static int each(const struct lives *l, bool deletions, struct s3p_err *err)
{
    uint64_t wanted = deletions ? S3P_BIT(S3P_OP_DELETE_BUCKET) : OF_UPLOADS;
    for (uint32_t k = 0; k < s3p_histfile_segments(l->o->file); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(l->o->file, k);
        if ((s->ops & wanted) == 0 ||
            (!deletions && (s->texts & S3P_BIT(S3P_COL_code_text)) == 0))
            continue;
        for (uint32_t i = 0; i < s->records; i++) {
            if (deletions)
                note_deletion(l, s, i);
            else
                S3P_TRY(judge(l, s, i, err));
        }
    }
    return 0;
}

int s3p_uploads_lost(const struct s3p_objects *o, struct s3p_tally *t, struct s3p_err *err)
{
    struct lives l = {.o = o, .tally = t};
    if (o->nupload == 0)
        return 0;
    l.gone = s3p_alloc((o->head->buckets + 1) * sizeof *l.gone);
    if (l.gone == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "uploads of %u buckets", o->head->buckets);
    for (uint32_t b = 0; b < o->head->buckets; b++)
        l.gone[b] = INT64_MAX;
    int rc = each(&l, true, err);
    if (rc == 0)
        rc = each(&l, false, err);
    s3p_free(l.gone);
    return rc;
}

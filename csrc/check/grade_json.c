/* The grade of a history in the machine form. */
#include "check/verdict.h"
#include "check/witness.h"

/* What reads and writes of keys amount to. Listings, tags, batches and versions by id are no part
 * of it. */
static const char *level_of(const struct s3p_tally *t, enum s3p_consistency consistency)
{
    uint64_t sessions = 0;
    for (int i = 0; i < S3P_SESSIONS; i++)
        sessions += t->grade.session[i];
    if (consistency == S3P_INCONCLUSIVE || t->keys_checked == 0)
        return "not-judged";
    if (t->grade.broken_keys != 0 || t->object_hits > t->graded_hits)
        return "none";
    if (t->grade.ungraded_keys != 0)
        return "not-judged";
    if (t->grade.keys == 0)
        return "linearizable";
    return sessions != 0 ? "eventual" : "session";
}

static double to_ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

void s3p_grade_json(const struct s3p_tally *t, const struct s3p_head *h,
                    enum s3p_consistency consistency, struct s3p_buf *out)
{
    const struct s3p_grade *g = &t->grade;
    s3p_buf_fmt(out,
                ",\"grade\":{\"level\":\"%s\",\"keys\":%llu,\"broken_keys\":%llu,"
                "\"ungraded_keys\":%llu,\"reads\":%llu,\"stale_reads\":%llu,"
                "\"undated_reads\":%llu,\"versions\":%llu,\"ms\":%.3f",
                level_of(t, consistency), (unsigned long long)g->keys,
                (unsigned long long)g->broken_keys, (unsigned long long)g->ungraded_keys,
                (unsigned long long)g->reads, (unsigned long long)g->stale_reads,
                (unsigned long long)g->undated_reads,
                (unsigned long long)g->versions, to_ms(g->late_ns));
    s3p_buf_str(out, ",\"sessions\":{");
    for (int i = 0; i < S3P_SESSIONS; i++)
        s3p_buf_fmt(out, "%s\"%s\":%llu", i == 0 ? "" : ",", s3p_session_name[i],
                    (unsigned long long)g->session[i]);
    s3p_buf_char(out, '}');
    if (t->oldest.any) {
        s3p_buf_str(out, ",\"oldest\":{");
        s3p_json_place(out, h, t->oldest.place, t->oldest.key_index);
        s3p_buf_fmt(out, "\"client\":%u,\"record\":%u,\"ms\":%.3f}", t->oldest.client,
                    t->oldest.record, to_ms(t->oldest.late_ns));
    }
    s3p_buf_char(out, '}');
}

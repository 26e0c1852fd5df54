#include "check/witness.h"

#include <string.h>

#include "history/json.h"

void s3p_witness_fill(struct s3p_witness *w, const struct s3p_histfile *f, const struct s3p_hit *h)
{
    w->hit = h;
    for (uint32_t i = 0; i < h->n; i++) {
        w->segment[i] = s3p_histfile_find(f, h->record[i], &w->position[i]);
        s3p_segment_get(w->segment[i], w->position[i], &w->attempt[i]);
    }
}

static void add_member(struct s3p_buf *out, const char *name, const char *text, size_t len)
{
    s3p_buf_fmt(out, "\"%s\":", name);
    s3p_json_text(out, (struct s3p_str){text, len});
    s3p_buf_char(out, ',');
}

void s3p_json_place(struct s3p_buf *out, const struct s3p_head *h, uint16_t place,
                    uint64_t key_index)
{
    struct s3p_str bucket = s3p_keynames_bucket_role(h->names, (uint16_t)(place % h->buckets));
    struct s3p_buf text;
    s3p_buf_init(&text, 1 << 16);
    if (key_index != S3P_NO_INDEX) /* else it is about a page */
        s3p_keynames_text(h->names, (uint16_t)(place / h->buckets), key_index, &text);
    add_member(out, "bucket", bucket.p, bucket.len);
    add_member(out, "key", text.data, text.len);
    s3p_buf_free(&text);
}

void s3p_witness_json(const struct s3p_witness *w, const struct s3p_head *h, struct s3p_buf *out)
{
    const struct s3p_rule_row *rule = &s3p_rule_table[w->hit->rule];
    const char *guess = s3p_witness_guess(w), *aspect = s3p_aspect_name[w->hit->aspect];
    struct s3p_buf text;
    s3p_buf_init(&text, 1 << 16);
    s3p_buf_char(out, '{');
    add_member(out, "rule", rule->name, strlen(rule->name));
    add_member(out, "level", rule->level, strlen(rule->level));
    add_member(out, "aspect", aspect, strlen(aspect));
    s3p_json_place(out, h, w->hit->place, w->hit->key_index);
    s3p_witness_sentence(w, h->start_ns, &text);
    add_member(out, "sentence", text.data, text.len);
    s3p_buf_free(&text);
    add_member(out, "guess", guess, strlen(guess));
    s3p_buf_str(out, "\"attempts\":[");
    for (uint32_t i = 0; i < w->hit->n; i++) {
        if (i > 0)
            s3p_buf_char(out, ',');
        s3p_record_json(w->segment[i], w->position[i], h->names, out);
    }
    s3p_buf_str(out, "]}");
}

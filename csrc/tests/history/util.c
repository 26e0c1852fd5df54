#include "tests/history/util.h"

#include <stdlib.h>
#include <unistd.h>

#include "s3/op.h"
#include "tests/t.h"

const char h_header[] =
    "{\"format\":1,\"run\":\"0123456789ab\",\"seed\":7,\"buckets\":[{\"role\":\"main\",\"name\":"
    "\"t-main\"},"
    "{\"role\":\"other\",\"name\":\"t-other\"}],\"spaces\":["
    "{\"name\":\"\",\"bucket\":0,\"kind\":\"fixed\",\"keys\":[\"hot/object\",\"config.json\"]},"
    "{\"name\":\"objs\",\"bucket\":0,\"kind\":\"uniform\",\"prefix\":\"objs/\",\"count\":1000},"
    "{\"name\":\"mine\",\"bucket\":1,\"kind\":\"own\",\"prefix\":\"own/\",\"count\":10}]}";

static void random_bytes(void *p, size_t n, struct s3p_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)s3p_rng_u64(rng);
}

static void random_text(char out[40], struct s3p_rng *rng)
{
    size_t n = s3p_rng_below(rng, 3) == 0 ? s3p_rng_below(rng, 40) : 0;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(1 + s3p_rng_below(rng, 127));
    out[n] = 0;
}

static void random_entry(struct h_record *h, unsigned i, struct s3p_rng *rng)
{
    struct s3p_entry *e = &h->entry[i];
    random_bytes(e, sizeof *e, rng);
    e->reserved = 0;
    e->key_text = e->version_id = 0;
    e->etag_form = (uint8_t)s3p_rng_below(rng, 3);
    e->flags &= 31;
    random_text(h->entry_text[i], rng);
    random_text(h->entry_version[i], rng);
    if (h->entry_text[i][0] != 0) {
        e->key_index = S3P_NO_INDEX;
        e->space = 0;
    }
}

void h_random(struct h_record *h, struct s3p_rng *rng)
{
    memset(h, 0, sizeof *h);
    for (int c = 0, t = 0; c < S3P_COLUMN_COUNT; c++) {
        const struct s3p_column_row *d = &s3p_column_table[c];
        const struct s3p_column_sense *sense = &s3p_column_sense_table[c];
        uint8_t *at = (uint8_t *)&h->r + d->offset;
        if (sense->as == S3P_AS_TEXT)
            random_text(h->text[t++], rng);
        else if (sense->as == S3P_AS_ENUM)
            *at = (uint8_t)s3p_rng_below(rng, sense->values);
        else if (sense->as == S3P_AS_FLAGS)
            *at = (uint8_t)s3p_rng_below(rng, 1u << sense->values);
        else if (s3p_rng_below(rng, 4) == 0)
            memcpy(at, sense->as == S3P_AS_ID ? &(int64_t[2]){0} : &(int64_t[2]){sense->none},
                   d->width);
        else
            random_bytes(at, d->width, rng);
    }
    h->r.parent = 0;
    h->r.bucket = (uint16_t)s3p_rng_below(rng, 3);
    h->nentries = s3p_rng_below(rng, 8) == 0 ? 1 + (unsigned)s3p_rng_below(rng, 4) : 0;
    h->r.entries_count = h->nentries;
    h->r.entries_first = 0;
    for (unsigned i = 0; i < h->nentries; i++)
        random_entry(h, i, rng);
}

void h_append(struct s3p_appender *a, const struct h_record *h)
{
    struct s3p_attempt r = h->r;
    size_t bytes = 0;
    for (int t = 0; t < 12; t++)
        bytes += strlen(h->text[t]);
    for (unsigned i = 0; i < h->nentries; i++)
        bytes += strlen(h->entry_text[i]) + strlen(h->entry_version[i]);
    s3p_append_begin(a, bytes, h->nentries);
    for (int c = 0, t = 0; c < S3P_COLUMN_COUNT; c++) {
        if (s3p_column_sense_table[c].as != S3P_AS_TEXT)
            continue;
        uint32_t offset = s3p_append_text(a, h->text[t], strlen(h->text[t]));
        memcpy((uint8_t *)&r + s3p_column_table[c].offset, &offset, sizeof offset);
        t++;
    }
    for (unsigned i = 0; i < h->nentries; i++) {
        struct s3p_entry e = h->entry[i];
        e.key_text = s3p_append_text(a, h->entry_text[i], strlen(h->entry_text[i]));
        e.version_id = s3p_append_text(a, h->entry_version[i], strlen(h->entry_version[i]));
        uint32_t at = s3p_append_entry(a, &e);
        if (i == 0)
            r.entries_first = at;
    }
    s3p_append(a, &r);
}

static void expect_text(const struct s3p_segment_view *s, uint32_t offset, const char *text,
                        const char *what)
{
    struct s3p_str got = s3p_segment_text(s, offset);
    if (got.len != strlen(text) || (got.len > 0 && memcmp(got.p, text, got.len) != 0))
        t_fail(__FILE__, __LINE__, "%s: \"%.*s\", expected \"%s\"", what, (int)got.len, got.p,
               text);
}

void h_expect(const struct s3p_segment_view *s, uint32_t i, const struct h_record *h)
{
    struct s3p_attempt got;
    s3p_segment_get(s, i, &got);
    for (int c = 0, t = 0; c < S3P_COLUMN_COUNT; c++) {
        const struct s3p_column_row *d = &s3p_column_table[c];
        const uint8_t *is = (const uint8_t *)&got + d->offset,
                      *want = (const uint8_t *)&h->r + d->offset;
        if (s3p_column_sense_table[c].as == S3P_AS_TEXT) {
            uint32_t offset;
            memcpy(&offset, is, sizeof offset);
            expect_text(s, offset, h->text[t++], d->name);
        } else if (c != S3P_COL_entries_first && memcmp(is, want, d->width) != 0) {
            t_fail(__FILE__, __LINE__, "record %u: %s differs", i, d->name);
        }
    }
    for (unsigned k = 0; k < h->nentries; k++) {
        struct s3p_entry e = s->entries[got.entries_first + k];
        expect_text(s, e.key_text, h->entry_text[k], "entry key");
        expect_text(s, e.version_id, h->entry_version[k], "entry version");
        e.key_text = e.version_id = 0;
        T_MEM(&e, &h->entry[k], sizeof e);
    }
}

const char *h_path(const char *name)
{
    static char path[256];
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/s3p-%d-%s", dir != NULL ? dir : "/tmp", (int)getpid(), name);
    unlink(path);
    return path;
}

void h_write_file(const char *path, uint32_t n, bool complete)
{
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    struct s3p_rng rng = {1, 0, 0};
    for (uint32_t i = 0; i < n; i++) {
        struct h_record r;
        h_random(&r, &rng);
        h_append(s3p_history_appender(h, 0), &r);
    }
    T_OK(s3p_history_close(h, complete, err));
}

void *h_read_aligned(const char *path, size_t *len)
{
    char *p = t_read(path, len);
    void *q = s3p_alloc_aligned(64, *len + 64);
    T_TRUE(q != NULL);
    memcpy(q, p, *len);
    s3p_free(p);
    return q;
}

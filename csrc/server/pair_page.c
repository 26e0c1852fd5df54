#include "server/pair_page.h"

#include <string.h>

#include "server/lists.h"

static bool behind(const struct s3p_srv_pair_page *page, const struct s3p_srv_pairs *p)
{
    int c = s3p_srv_compare(p->key, page->after);
    return page->after.len == 0 || c > 0 || (c == 0 && page->inside && p->number > page->number);
}

static void remember(struct s3p_srv_pair_page *page, struct s3p_str last, bool prefix,
                     uint64_t number)
{
    memcpy(page->last, last.p, last.len);
    page->last_len = last.len;
    page->at_prefix = prefix;
    page->last_number = number;
}

/* Steps over all members of a common prefix. */
static int skip(struct s3p_srv_pairs *pairs, struct s3p_str prefix)
{
    char past[S3P_SRV_KEY_MAX];
    size_t len;
    if (!s3p_srv_past_prefix(prefix, past, &len))
        return MDB_NOTFOUND;
    return pairs->seek(pairs, (struct s3p_str){past, len}, 0);
}

int s3p_srv_pair_page_walk(struct s3p_srv_pair_page *page, struct s3p_srv_pairs *pairs,
                           void (*entry)(void *cls, const struct s3p_srv_pairs *p,
                                         const struct s3p_srv_record *r),
                           void *cls)
{
    page->count = 0;
    page->truncated = page->at_prefix = false;
    page->last_len = 0;
    if (page->max == 0)
        return 0;
    bool after = s3p_srv_compare(page->after, page->prefix) >= 0;
    int rc = pairs->seek(pairs, after ? page->after : page->prefix,
                         !after         ? 0
                         : page->inside ? page->number
                                        : UINT64_MAX);
    while (rc == 0 && s3p_srv_has_prefix(pairs->key, page->prefix)) {
        struct s3p_str rolled = s3p_srv_roll_up(page->prefix, page->delimiter, pairs->key);
        bool known = rolled.p != NULL && s3p_srv_compare(rolled, page->after) <= 0;
        if (rolled.p == NULL && !behind(page, pairs)) {
            rc = pairs->next(pairs);
            continue;
        }
        if (!known && page->count == page->max) {
            page->truncated = true;
            break;
        }
        if (rolled.p != NULL) {
            char prefix[S3P_SRV_KEY_MAX]; /* the walk overwrites what `rolled` points to */
            memcpy(prefix, rolled.p, rolled.len);
            rolled.p = prefix;
            if (!known) {
                remember(page, rolled, true, 0);
                s3p_srv_xml_common(page->common, rolled, page->url);
                page->count++;
            }
            rc = skip(pairs, rolled);
            continue;
        }
        struct s3p_srv_record r;
        if (!s3p_srv_record_decode(&r, pairs->record))
            return MDB_CORRUPTED;
        remember(page, pairs->key, false, pairs->number);
        entry(cls, pairs, &r);
        page->count++;
        rc = pairs->next(pairs);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int take(struct s3p_srv_table_pairs *p, int rc)
{
    if (rc == 0 && !s3p_srv_pair_split(p->walk.key, &p->base.key, &p->base.number))
        return MDB_CORRUPTED;
    p->base.record = rc == 0 ? p->walk.record : S3P_STR("");
    return rc;
}

static int table_seek(struct s3p_srv_pairs *base, struct s3p_str key, uint64_t number)
{
    struct s3p_srv_table_pairs *p = (struct s3p_srv_table_pairs *)base;
    char pair[S3P_SRV_PAIR_MAX];
    return take(p, s3p_srv_walk_seek(&p->walk, s3p_srv_pair(pair, key, number)));
}

static int table_next(struct s3p_srv_pairs *base)
{
    struct s3p_srv_table_pairs *p = (struct s3p_srv_table_pairs *)base;
    return take(p, s3p_srv_walk_next(&p->walk));
}

int s3p_srv_table_pairs_open(struct s3p_srv_table_pairs *p, MDB_txn *txn, MDB_dbi table,
                             uint64_t bucket)
{
    p->base = (struct s3p_srv_pairs){.seek = table_seek, .next = table_next};
    return s3p_srv_walk_open(&p->walk, txn, table, bucket);
}

void s3p_srv_table_pairs_close(struct s3p_srv_table_pairs *p)
{
    s3p_srv_walk_close(&p->walk);
}

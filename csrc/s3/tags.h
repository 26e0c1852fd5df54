/* Self-describing tag sets, which are metadata of several fields too: of a value id and a count n
 * (0, or 2 … 10), `s3p-id` = 32 hex digits, `s3p-n` = n, and fillers `s3p-1` … `s3p-(n-2)` = 16 hex
 * digits of mix64(hi ^ mix64(lo ^ i)).
 * Source: docs/semantics.md, "Tag sets". Threads: plain data of the caller. */
#ifndef S3P_S3_TAGS_H
#define S3P_S3_TAGS_H

#include "core/buf.h"
#include "s3/body.h"

#define S3P_TAGS_MAX 10
#define S3P_TAG_COUNT "s3p-n" /* the tag that says how many there are */
#define S3P_TAGS_HEADER_MAX 256
#define S3P_TAG_KEY_MAX 8

struct s3p_tag {
    struct s3p_str key, value;
};

/* Tag `at` of the set, from 0: the id, the count, the fillers. */
struct s3p_tag_text {
    char key[S3P_TAG_KEY_MAX], value[32];
    size_t key_len, value_len;
};
void s3p_tag_make(struct s3p_tag_text *t, struct s3p_id id, int n, int at);

/* The form of x-amz-tagging; returns its length. */
size_t s3p_tags_header(char dst[S3P_TAGS_HEADER_MAX], struct s3p_id id, int n);
void s3p_tags_body(struct s3p_buf *out, struct s3p_id id, int n); /* the Tagging document */

/* What a set that was read is: clean (an empty one names no id); torn when its fillers are of
 * another id, or their count is; else corrupt, which names no id. */
enum s3p_body_verdict s3p_tags_judge(const struct s3p_tag *tags, int n, struct s3p_id *id);

#endif

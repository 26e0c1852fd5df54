/* Reads the XML answers of S3. Errors are scanned without a parser and without allocation; listings
 * and batch-delete results go through expat (entities and DTDs refused, depth bounded, size bounded
 * by the caller's buffer and arena). What is malformed is S3P_EFORMAT.
 * Threads: plain data of its owner. */
#ifndef S3P_S3_XML_H
#define S3P_S3_XML_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "s3/etag.h"

/* True when `p` (leading blanks and declarations skipped) is an <Error> document; code and message
 * are views into it, not unescaped, empty when missing. */
bool s3p_xml_error(const char *p, size_t len, struct s3p_str *code, struct s3p_str *message);

struct s3p_list_entry {
    struct s3p_str key; /* decoded (encoding-type=url undone) */
    struct s3p_etag etag;
    struct s3p_str etag_text;
    uint64_t size;
    int64_t last_modified_ns; /* wall clock; 0 when missing or unreadable */
    bool is_prefix;           /* a CommonPrefix: key is the prefix, the rest is empty */
};
struct s3p_list_page {
    struct s3p_list_entry *entries; /* Contents and CommonPrefixes in document order */
    int n;
    bool truncated;
    int key_count, max_keys; /* -1 when not sent */
    struct s3p_str next_token, next_marker; /* the marker decoded; tokens are not url-encoded */
};
/* Parses ListObjects V1/V2. Everything lives in `arena`. */
int s3p_xml_list(struct s3p_list_page *page, struct s3p_arena *arena, const char *p, size_t len,
                 struct s3p_err *err) S3P_MUST_CHECK;

struct s3p_delete_result {
    struct s3p_str key;
    struct s3p_str code; /* empty: deleted */
};
struct s3p_delete_results {
    struct s3p_delete_result *results;
    int n;
};
int s3p_xml_delete(struct s3p_delete_results *r, struct s3p_arena *arena, const char *p, size_t len,
                   struct s3p_err *err) S3P_MUST_CHECK;

void s3p_xml_escape(struct s3p_buf *out, const char *p, size_t len); /* & < > " and CR */

#endif

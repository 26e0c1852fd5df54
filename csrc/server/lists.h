/* What listings share: their arguments and their elements. */
#ifndef S3P_SERVER_LISTS_H
#define S3P_SERVER_LISTS_H

#include "server/server.h"

struct s3p_str s3p_srv_arg_value(const struct s3p_srv_req *req, const char *name); /* .p NULL */
struct s3p_str s3p_srv_arg_or_empty(const struct s3p_srv_req *req, const char *name);
/* max-keys and the like: clamped to `max`, which an absent one means. False: no number. */
bool s3p_srv_list_max(struct s3p_str text, unsigned max, unsigned *out);
/* encoding-type; false: neither absent nor url. */
bool s3p_srv_list_encoding(const struct s3p_srv_req *req, bool *url);

void s3p_srv_xml_name(struct s3p_buf *out, const char *tag, struct s3p_str text, bool url);
void s3p_srv_xml_common(struct s3p_buf *out, struct s3p_str prefix, bool url); /* CommonPrefixes */
void s3p_srv_xml_owner(struct s3p_buf *out, const char *tag);
void s3p_srv_xml_etag(struct s3p_buf *out, const struct s3p_srv_record *r);
/* <ChecksumCRC32>value</ChecksumCRC32>; nothing when the record has none. */
void s3p_srv_xml_sum(struct s3p_buf *out, const struct s3p_srv_record *r);
/* <ChecksumAlgorithm> and <ChecksumType>. */
void s3p_srv_xml_sum_kind(struct s3p_buf *out, const struct s3p_srv_record *r);

#endif

/* XML documents of the store's answers, appended to a buffer. Text is escaped: & < > " and CR as
 * references. Other control characters cannot be said in XML 1.0 and are written as they are: keys
 * that have them are listed with encoding-type=url only. */
#ifndef S3P_SERVER_XML_WRITE_H
#define S3P_SERVER_XML_WRITE_H

#include <stdbool.h>

#include "core/buf.h"

#define S3P_SRV_XMLNS "http://s3.amazonaws.com/doc/2006-03-01/"

void s3p_srv_xml_begin(struct s3p_buf *out, const char *xmlns,
                       const char *root); /* declaration, root */
void s3p_srv_xml_open(struct s3p_buf *out, const char *tag);
void s3p_srv_xml_close(struct s3p_buf *out, const char *tag);
void s3p_srv_xml_text(struct s3p_buf *out, const char *tag, struct s3p_str text);
void s3p_srv_xml_url(struct s3p_buf *out, const char *tag,
                     struct s3p_str text); /* percent-encoded */
void s3p_srv_xml_u64(struct s3p_buf *out, const char *tag, uint64_t v);
void s3p_srv_xml_bool(struct s3p_buf *out, const char *tag, bool v);
void s3p_srv_xml_time(struct s3p_buf *out, const char *tag, int64_t wall_ns);

/* Percent-encodes everything but A-Z a-z 0-9 - . _ ~ and, when `keep_slash`, '/'. */
void s3p_srv_url_encode(struct s3p_buf *out, struct s3p_str s, bool keep_slash);

#endif

/* The Range header of a GET or HEAD (RFC 9110, 14.1.2): one byte range. */
#ifndef S3P_SERVER_RANGES_H
#define S3P_SERVER_RANGES_H

#include <stdint.h>

#include "core/buf.h"

enum s3p_srv_range_kind {
    S3P_SRV_RANGE_WHOLE,  /* no range, another unit or a malformed one: the whole object, 200 */
    S3P_SRV_RANGE_PART,   /* 206 */
    S3P_SRV_RANGE_NONE,   /* nothing of it exists: 416 */
    S3P_SRV_RANGE_SEVERAL /* more than one range: not offered */
};

struct s3p_srv_range {
    enum s3p_srv_range_kind kind;
    uint64_t first, bytes; /* of PART; for WHOLE the whole object */
};

struct s3p_srv_range s3p_srv_range_parse(struct s3p_str header,
                                         uint64_t size); /* header.p NULL: absent */

#endif

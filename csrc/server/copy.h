/* The source of a copy, while the bytes are on their way. */
#ifndef S3P_SERVER_COPY_H
#define S3P_SERVER_COPY_H

struct s3p_srv_copy;
void s3p_srv_copy_free(struct s3p_srv_copy *c);

#endif

/* Where an endpoint is. */
#ifndef S3P_HTTP_URL_H
#define S3P_HTTP_URL_H

#include <stdbool.h>

#include "core/err.h"

struct s3p_url { /* parsed endpoint; plain data, texts are inside */
    bool tls;
    char host[256];
    int port;
    char authority[272]; /* host[:port] as it goes into the Host header: without a default port */
};
/* "http[s]://host[:port][/]"; anything more is an error that names the field `endpoint`. */
int s3p_url_parse(struct s3p_url *u, const char *text, struct s3p_err *err) S3P_MUST_CHECK;

#endif

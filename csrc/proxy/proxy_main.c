#include <jansson.h>
#include <pthread.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/ends.h"
#include "proxy/proxy.h"

#define TEXT_MAX (64 * 1024)

static void print(int fd, struct s3p_buf *b)
{
    ssize_t n = write(fd, b->data, b->len); /* nobody to tell when nobody reads */
    (void)n;
    s3p_buf_free(b);
}

static int usage_error(const struct s3p_err *err)
{
    struct s3p_buf b;
    s3p_buf_init(&b, TEXT_MAX);
    s3p_buf_fmt(&b, "s3prod: %s\n", err->msg);
    print(STDERR_FILENO, &b);
    return 2;
}

static void announce(const struct s3p_proxy *p)
{
    struct s3p_buf b;
    s3p_buf_init(&b, TEXT_MAX);
    s3p_buf_str(&b, "{\"endpoints\":[");
    for (unsigned i = 0; i < p->n; i++)
        s3p_buf_fmt(&b, "%s\"http://127.0.0.1:%u\"", i > 0 ? "," : "", p->door[i].port);
    s3p_buf_fmt(&b, "],\"control\":\"http://127.0.0.1:%u\",\"pid\":%d}\n", p->control.port,
                (int)getpid());
    print(STDOUT_FILENO, &b);
}

static void *run(void *proxy)
{
    s3p_proxy_run(proxy);
    return NULL;
}

static int serve(const struct s3p_px_options *o, const struct s3p_ends *ends)
{
    struct s3p_err err = {0};
    struct s3p_proxy *p;
    pthread_t thread;
    if (s3p_proxy_open(&p, o, &err) < 0)
        return usage_error(&err);
    if (pthread_create(&thread, NULL, run, p) != 0) {
        s3p_fail(&err, S3P_ENOMEM, 0, "cannot start a thread");
        s3p_proxy_close(p);
        return usage_error(&err);
    }
    announce(p);
    s3p_ends_wait(ends, o->with_parent);
    s3p_loop_cancel(p->loop);
    pthread_join(thread, NULL);
    s3p_proxy_close(p);
    return 0;
}

int s3p_proxy_main(int argc, char **argv)
{
    struct s3p_px_options o;
    struct s3p_err err = {0};
    struct s3p_ends ends;
    s3p_ends_init(&ends);
    if (s3p_px_options_parse(&o, argc, argv, &err) < 0)
        return usage_error(&err);
    if (o.help) {
        struct s3p_buf b;
        s3p_buf_init(&b, TEXT_MAX);
        s3p_px_options_help(&b);
        print(STDOUT_FILENO, &b);
        return 0;
    }
    s3p_ends_block(&ends);
    int status = serve(&o, &ends);
    s3p_ends_restore(&ends);
    return status;
}

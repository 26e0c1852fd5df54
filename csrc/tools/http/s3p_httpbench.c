/* Measures the transport alone: N connections send a constant PUT in a closed loop, for D seconds,
 * on one thread. Usage: s3p_httpbench ENDPOINT [CONNECTIONS [SECONDS [BODY-BYTES]]] Prints requests
 * a second and CPU time a request, the number to compare with (wrk: see its CPU time). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "http/conn.h"

struct bench {
    struct s3p_loop *loop;
    struct s3p_net *net;
    struct s3p_url url;
    char head[512];
    uint64_t body_len;
    int64_t end_ns;
    uint64_t answered, failed;
    int64_t latency_sum_ns;
    char why[128];
};

static void fill(void *arg, uint64_t offset, uint8_t *dst, size_t len)
{
    (void)arg;
    memset(dst, (int)(offset & 0x7f), len);
}

static void client(void *arg)
{
    struct bench *b = arg;
    struct s3p_err err;
    struct s3p_conn *c;
    if (s3p_conn_create(&c, b->loop, b->net, &b->url, &err) != 0) {
        fprintf(stderr, "%s\n", err.msg);
        return;
    }
    struct s3p_exchange x = {.head = b->head,
                             .head_len = strlen(b->head),
                             .body_len = b->body_len,
                             .fill = fill};
    while (s3p_loop_now(b->loop) < b->end_ns) {
        x.deadline_ns = s3p_loop_now(b->loop) + 30 * S3P_S;
        s3p_conn_exchange(c, &x);
        if (x.phase == S3P_PHASE_ANSWERED && x.parsed->status == 200) {
            b->answered++;
            b->latency_sum_ns += x.t_return - x.t_call;
            continue;
        }
        snprintf(b->why, sizeof b->why, "status %d %s", x.parsed ? x.parsed->status : 0, x.why);
        b->failed++;
        if (x.phase == S3P_PHASE_NOT_SENT)
            break;
    }
    s3p_conn_free(c);
}

static int run(struct bench *b, int connections, int64_t seconds, struct s3p_err *err)
{
    struct s3p_net_opts o = {.connect_timeout_ns = 10 * S3P_S};
    int64_t start_ns = s3p_now_ns();
    b->end_ns = start_ns + seconds * S3P_S;
    S3P_TRY(s3p_net_create(&b->net, &o, err));
    S3P_TRY(s3p_loop_create(&b->loop, err));
    for (int i = 0; i < connections; i++)
        S3P_TRY(s3p_loop_spawn(b->loop, client, b, err));
    int64_t cpu_ns = s3p_thread_cpu_ns();
    s3p_loop_run(b->loop, NULL, NULL);
    cpu_ns = s3p_thread_cpu_ns() - cpu_ns;
    double elapsed_s = (double)(s3p_now_ns() - start_ns) * 1e-9;
    double n = b->answered > 0 ? (double)b->answered : 1;
    printf("connections %d  requests %" PRIu64 "  failed %" PRIu64
           "  requests/s %.0f  cpu_us/request %.2f  mean_latency_us %.1f\n",
           connections, b->answered, b->failed, (double)b->answered / elapsed_s,
           (double)cpu_ns * 1e-3 / n, (double)b->latency_sum_ns * 1e-3 / n);
    if (b->failed > 0)
        printf("last failure: %s\n", b->why);
    return 0;
}

int main(int argc, char **argv)
{
    struct s3p_err err = {0};
    struct bench *b = s3p_calloc(1, sizeof *b);
    if (argc < 2 || b == NULL) {
        fprintf(stderr, "usage: %s ENDPOINT [CONNECTIONS [SECONDS [BODY-BYTES]]]\n", argv[0]);
        return 2;
    }
    int connections = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 32;
    int64_t seconds = argc > 3 ? strtol(argv[3], NULL, 10) : 3;
    b->body_len = argc > 4 ? strtoull(argv[4], NULL, 10) : 1024;
    int rc = s3p_url_parse(&b->url, argv[1], &err);
    snprintf(b->head, sizeof b->head,
             "PUT /bench/object HTTP/1.1\r\nHost: %s\r\nContent-Length: %" PRIu64 "\r\n\r\n",
             b->url.authority, b->body_len);
    if (rc == 0)
        rc = run(b, connections, seconds, &err);
    if (rc != 0)
        fprintf(stderr, "%s\n", err.msg);
    s3p_loop_free(b->loop);
    s3p_net_free(b->net);
    s3p_free(b);
    return rc != 0;
}

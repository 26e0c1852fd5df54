/* Measures what a request costs before it is sent: one JSON line on standard output. Run alone,
 * from a release build.
 *
 *   sign_ns       s3p_sign_header of a typical PUT, all text of the authorization header included
 *   request_ns    s3p_request_write of the same PUT: the whole head
 *   outcome_ns    s3p_outcome_of of a PUT 200 / a PUT 599 (the last row)
 *   fill_gb_s, verify_gb_s   bodies of 1 MiB, and of 1 KiB (…_1k) */
#include <stdio.h>

#include "core/clock.h"
#include "s3/body.h"
#include "s3/outcome.h"
#include "s3/request.h"

#define ROUNDS 5
#define WALL_S 1700000000

static struct s3p_request_ctx ctx;
static struct s3p_buf out;
static uint8_t bytes[1 << 20];
static const struct s3p_request put = {
    .op = S3P_OP_PUT,
    .bucket = {"s3prod-main-0123456789ab", 24},
    .key = {"objs/00001234", 13},
    .body_len = 1024,
    .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
};
static volatile uint64_t sink;

static void sign_put(void)
{
    static const char date[] = "20231114T221320Z";
    static const struct s3p_header headers[] = {
        {{"content-length", 14}, {"1024", 4}},
        {{"host", 4}, {"127.0.0.1:9000", 14}},
        {{"x-amz-content-sha256", 20}, {"UNSIGNED-PAYLOAD", 16}},
        {{"x-amz-date", 10}, {date, 16}},
        {{"x-amz-meta-s3p-id", 17}, {"0102030405060708090a0b0c0d0e0f10", 32}},
    };
    s3p_buf_clear(&out);
    s3p_sign_header(&ctx.signer, &out, "PUT", S3P_STR("/s3prod-main-0123456789ab/objs/00001234"),
                    S3P_STR(""), headers, 5, S3P_STR("UNSIGNED-PAYLOAD"), date);
    sink += out.len;
}

static void write_put(void)
{
    s3p_buf_clear(&out);
    sink += s3p_request_write(&ctx, &put, WALL_S, &out);
}

static void judge_status(int status)
{
    struct s3p_end e = {.op = S3P_OP_PUT,
                        .phase = 3,
                        .status = status,
                        .code = "",
                        .has_etag = true,
                        .body_complete = true};
    enum s3p_evidence evidence;
    sink += s3p_outcome_of(&e, &evidence);
}

static void judge_200(void)
{
    judge_status(200);
}

static void judge_599(void)
{
    judge_status(599);
}

static void fill(size_t len)
{
    struct s3p_body b = {put.id, len, 42};
    s3p_body_fill(&b, 0, bytes, len);
    sink += bytes[len - 1];
}

static void verify(size_t len)
{
    struct s3p_verify v;
    s3p_verify_start(&v, 42, true, 0, len, len, put.id);
    s3p_verify_add(&v, bytes, len);
    sink += s3p_verify_end(&v);
}

static void fill_1m(void)
{
    fill(sizeof bytes);
}

static void verify_1m(void)
{
    verify(sizeof bytes);
}

static void fill_1k(void)
{
    fill(1024);
}

static void verify_1k(void)
{
    verify(1024);
}

/* The best of a few rounds: the others had company on the processor. */
static double ns_each(void (*fn)(void), int times)
{
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t from = s3p_thread_cpu_ns();
        for (int i = 0; i < times; i++)
            fn();
        double each = (double)(s3p_thread_cpu_ns() - from) / times;
        best = each < best ? each : best;
    }
    return best;
}

int main(void)
{
    static const struct s3p_credentials cred = {
        "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL, "us-east-1"};
    struct s3p_err err = {0};
    s3p_buf_init(&out, 4096);
    if (s3p_buf_reserve(&out, 4096) < 0 ||
        s3p_request_ctx_init(&ctx, &cred, S3P_STR("127.0.0.1:9000"), false, &err) < 0) {
        fprintf(stderr, "s3p_signbench: %s\n", err.msg);
        return 2;
    }
    s3p_signer_day(&ctx.signer, "20231114T221320Z");
    printf("{\"sign_ns\": %.0f, \"request_ns\": %.0f, ", ns_each(sign_put, 50000),
           ns_each(write_put, 50000));
    printf("\"outcome_ns\": [%.1f, %.1f], ", ns_each(judge_200, 100000),
           ns_each(judge_599, 100000));
    printf("\"fill_1k_gb_s\": %.2f, ", 1024 / ns_each(fill_1k, 20000));
    printf("\"verify_1k_gb_s\": %.2f, ", 1024 / ns_each(verify_1k, 20000));
    printf("\"fill_gb_s\": %.2f, ", sizeof bytes / ns_each(fill_1m, 50));
    printf("\"verify_gb_s\": %.2f}\n", sizeof bytes / ns_each(verify_1m, 50));
    s3p_request_ctx_free(&ctx);
    s3p_buf_free(&out);
    return 0;
}

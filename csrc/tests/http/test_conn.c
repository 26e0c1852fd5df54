/* What a connection does when all goes well. */
#include "tests/http/t_client.h"
#include "tests/t.h"

static void answer_each(struct t_peer *p, void *arg)
{
    (void)arg;
    while (t_peer_request(p))
        t_peer_answer(p, 200, "hello");
}

static void check_times(const struct s3p_exchange *x)
{
    T_EQ(x->phase, S3P_PHASE_ANSWERED);
    T_EQ(x->wire, S3P_WIRE_NONE);
    T_TRUE(x->t_call > 0 && x->t_call <= x->t_sent && x->t_sent <= x->t_first &&
           x->t_first <= x->t_return && x->t_return <= s3p_now_ns());
}

static void run_keep_alive(struct t_client *t)
{
    struct t_call k;
    for (int i = 0; i < 50; i++) {
        t_call_init(&k, i % 2 == 0 ? "PUT" : "GET", i % 2 == 0 ? 1024 : 0);
        t_call_send(t, &k);
        check_times(&k.x);
        T_EQ(t_call_status(&k), 200);
        T_EQ(k.x.body_received, 5);
        T_EQ(k.sum, t_sum(0, 0, "hello", 5));
        T_EQ(k.x.conn_serial, 1);
        struct s3p_str etag = s3p_http1_get(k.x.parsed, k.x.parsed_head, "etag");
        T_TRUE(s3p_str_eq(etag, "\"e\""));
    }
    T_EQ(t->server.accepted, 1);
}

T_TEST(conn_keep_alive)
{
    t_client_run(run_keep_alive, answer_each, NULL, false);
}

T_TEST(conn_keep_alive_tls)
{
    t_client_run(run_keep_alive, answer_each, NULL, true);
}

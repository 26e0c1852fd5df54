/* Allocation while requests are sent: none after warm-up, and an orderly end when there is no
 * memory before it. The store is a process of its own, so that its allocations are not counted. */
#include <poll.h>

#include "core/clock.h"
#include "tests/engine/fake.h"
#include "tests/t.h"

#define BUSY                                                                                       \
    "{'name':'p','payload':'signed','stop':{'attempts':12000},"                                    \
    "'spaces':{'u':{'kind':'uniform','prefix':'u/','count':50}},'groups':["                        \
    "{'group':'g','clients':4,'arrival':{'closed':{'until':'stop'}},'program':["                   \
    "{'choose':'u','as':'k'},{'put':'k.key','body':{'bytes':[100,1024,20000]},'as':'w'},"          \
    "{'get':'k.key','as':'r'},{'get':'k.key','range':{'random':64}},{'head':'none'},"              \
    "{'put':'k.key','if_match':'r.etag','body':{'counter':'r.size + 1'}},{'get':'none'}]}]}"

#define FRAMED                                                                                     \
    "{'name':'p','stop':{'attempts':12000},"                                                       \
    "'spaces':{'u':{'kind':'uniform','prefix':'u/','count':50}},'groups':["                        \
    "{'group':'g','clients':4,'arrival':{'closed':{'until':'stop'}},'program':["                   \
    "{'choose':'u','as':'k'},{'put':'k.key','checksum':'crc32c','tags':3},"                        \
    "{'put':'k.key','checksum':'crc64nvme','chunked':'signed_trailer',"                            \
    "'body':{'bytes':[0,1024,200000]}},"                                                           \
    "{'put':'k.key','checksum':'sha256','chunked':'unsigned_trailer'},"                            \
    "{'get':'k.key','version':'null','checksum_mode':true}]}]}"

static uint64_t attempts(const struct trial *t)
{
    struct s3p_progress p;
    s3p_engine_progress(t->engine, &p);
    return p.attempts;
}

static void wait_for_attempts(const struct trial *t, uint64_t n)
{
    for (int i = 0; attempts(t) < n; i++) {
        if (i == 30000)
            t_fail(__FILE__, __LINE__, "only %llu attempts", (unsigned long long)attempts(t));
        poll(NULL, 0, 1);
    }
}

/* From 1,000 to 10,000 requests the next allocation would fail, and at the end it still does: there
 * was none. */
static void none_after_warm_up(const char *plan)
{
    static struct fake f;
    struct trial t;
    pid_t pid = fake_fork(&f, NULL);
    trial_create(&t, &f, plan, true);
    trial_start(&t);
    wait_for_attempts(&t, 1000);
    int64_t live = s3p_alloc_live();
    s3p_alloc_fail_at(1);
    wait_for_attempts(&t, 10000);
    void *probe = s3p_alloc(1);
    s3p_alloc_fail_at(0);
    T_EQ(s3p_alloc_live(), live);
    T_TRUE(probe == NULL);
    trial_finish(&t, 50 * S3P_S);
    T_EQ(trial_number(&t, "ops/put/ok") > 3000, 1);
    trial_free(&t);
    fake_kill(pid);
}

T_TEST(memory_none_after_warm_up)
{
    none_after_warm_up(BUSY);
}

/* The fake store keeps frames as they are: it is the sending that is looked at. */
T_TEST(memory_none_for_frames_and_checksums)
{
    none_after_warm_up(FRAMED);
}

/* Any allocation of the run may fail: it ends with an error, or with failed attempts, and leaves
 * nothing. */
T_TEST(memory_fails_during_the_run)
{
    static struct fake f;
    pid_t pid = fake_fork(&f, NULL);
    int failed = 0;
    for (int n = 1; n <= 40; n++) {
        struct trial t;
        struct s3p_buf out;
        struct s3p_err err;
        trial_create(&t, &f,
                     "{'name':'p','workers':2,'groups':[{'group':'g','clients':3,'program':["
                     "{'barrier':'b'},{'put':'a','as':'x'},{'list':'main','as':'p'},"
                     "{'delete_objects':'p.keys'},{'put':'b','if_match':'x.etag'}]}]}",
                     true);
        s3p_alloc_fail_at(n);
        trial_start(&t);
        T_EQ(s3p_engine_wait(t.engine, 20 * S3P_S), 1);
        s3p_alloc_fail_at(0);
        s3p_buf_init(&out, 1 << 20);
        failed += s3p_engine_finish(t.engine, &out, &err) != 0;
        s3p_buf_free(&out);
        trial_free(&t);
    }
    T_TRUE(failed > 10);
    fake_kill(pid);
}

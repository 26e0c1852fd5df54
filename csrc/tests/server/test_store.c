/* Tables, pages and bodies on a real directory. */
#include "server/bodies.h"
#include "server/list_page.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/t.h"

static char dir[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/s3p-test-XXXXXX");
    T_TRUE(mkdtemp(dir) != NULL);
}

static void remove_dir(void)
{
    T_EQ(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static MDB_txn *begin(const struct s3p_srv_store *s, unsigned flags)
{
    MDB_txn *txn;
    T_EQ(mdb_txn_begin(s->env, NULL, flags, &txn), 0);
    return txn;
}

static struct s3p_str record(char bytes[S3P_SRV_RECORD_HEAD], uint64_t seq)
{
    struct s3p_srv_record r = {.seq = seq};
    struct s3p_buf b;
    s3p_buf_init(&b, 1024);
    s3p_srv_record_encode(&b, &r);
    memcpy(bytes, b.data, S3P_SRV_RECORD_HEAD);
    s3p_buf_free(&b);
    return (struct s3p_str){bytes, S3P_SRV_RECORD_HEAD};
}

/* Keys around the lengths where the table changes its form, in no order. */
static size_t make_key(char key[1024], unsigned i)
{
    static const unsigned lengths[] = {1, 479, 480, 481, 482, 511, 512, 1024};
    static const char last[] = {'m', '\x01', '\xff', 'a'};
    size_t len = lengths[i % 8];
    memset(key, 'x', len);
    key[len - 1] = last[i / 8 % 4];
    if (i >= 32 && len > 480)
        key[479] = 'y';
    return len;
}
#define KEYS 64

T_TEST(server_tables_long_keys)
{
    struct s3p_srv_store s;
    char bytes[S3P_SRV_RECORD_HEAD], key[1024], before[1024];
    make_dir();
    T_OK(s3p_srv_store_open(&s, dir, false, err));
    MDB_txn *txn = begin(&s, 0);
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned k = i * 37 % KEYS;
        size_t len = make_key(key, k);
        T_EQ(s3p_srv_table_put(txn, s.current, 7, (struct s3p_str){key, len}, record(bytes, k + 1)),
             0);
    }
    T_EQ(s3p_srv_table_put(txn, s.current, 8, S3P_STR("other bucket"), record(bytes, 1)), 0);
    struct s3p_srv_walk w;
    size_t n = 0, before_len = 0;
    T_EQ(s3p_srv_walk_open(&w, txn, s.current, 7), 0);
    for (int rc = s3p_srv_walk_seek(&w, S3P_STR("")); rc == 0; rc = s3p_srv_walk_next(&w)) {
        T_TRUE(n++ == 0 || s3p_srv_compare((struct s3p_str){before, before_len}, w.key) < 0);
        memcpy(before, w.key.p, w.key.len);
        before_len = w.key.len;
    }
    size_t distinct = n;
    for (unsigned i = 0; i < KEYS; i++) { /* every key is where a seek for it ends */
        struct s3p_str want = {key, make_key(key, i)};
        T_EQ(s3p_srv_walk_seek(&w, want), 0);
        T_EQ(s3p_srv_compare(w.key, want), 0);
    }
    s3p_srv_walk_close(&w);
    for (unsigned i = 0; i < KEYS; i++) {
        struct s3p_str gone = {key, make_key(key, i)}, found;
        int rc = s3p_srv_table_del(txn, s.current, 7, gone);
        T_TRUE(rc == 0 || rc == MDB_NOTFOUND);
        distinct -= rc == 0;
        T_EQ(s3p_srv_table_get(txn, s.current, 7, gone, &found), MDB_NOTFOUND);
    }
    bool empty;
    T_EQ(distinct, 0);
    T_EQ(s3p_srv_table_empty(txn, s.current, 7, &empty), 0);
    T_TRUE(empty);
    T_EQ(s3p_srv_table_empty(txn, s.current, 8, &empty), 0);
    T_TRUE(!empty);
    mdb_txn_abort(txn);
    s3p_srv_store_close(&s);
    remove_dir();
}

T_TEST(server_record_sections)
{
    struct s3p_buf bytes, parts;
    struct s3p_srv_record r = {.seq = 7,
                               .size = 30,
                               .composite = true,
                               .versioned = true,
                               .null_seq = 5,
                               .n_parts = 2,
                               .meta = S3P_STR("\1\0\1\0ab"),
                               .tags = S3P_STR("\1\0\0\0t")},
                          out;
    s3p_buf_init(&bytes, 4096);
    s3p_buf_init(&parts, 4096);
    for (unsigned i = 1; i <= 2; i++)
        s3p_srv_part_add(&parts, &(struct s3p_srv_part){.body_id = i, .size = 10 * i, .sum = {9}});
    r.parts = (struct s3p_str){parts.data, parts.len};
    s3p_srv_record_encode(&bytes, &r);
    T_TRUE(s3p_srv_record_decode(&out, (struct s3p_str){bytes.data, bytes.len}));
    T_TRUE(out.composite && out.versioned && !out.marker && !out.in_file);
    T_EQ(out.null_seq, 5);
    T_EQ(out.n_parts, 2);
    T_EQ(out.tags.len, 5);
    T_EQ(out.body.len, 0);
    T_EQ(s3p_srv_part_at(out.parts, 1).body_id, 2);
    T_EQ(s3p_srv_part_at(out.parts, 1).size, 20);
    T_EQ(s3p_srv_part_at(out.parts, 1).sum[0], 9);
    for (size_t n = 0; n < bytes.len; n++) /* cut anywhere, it is damaged */
        T_TRUE(!s3p_srv_record_decode(&out, (struct s3p_str){bytes.data, n}));
    s3p_buf_free(&bytes);
    s3p_buf_free(&parts);
}

static void note_key(void *cls, struct s3p_str key, const struct s3p_srv_record *r)
{
    (void)r;
    s3p_buf_view(cls, key);
    s3p_buf_char(cls, ' ');
}

static void note_common(void *cls, struct s3p_str prefix)
{
    s3p_buf_char(cls, '*');
    note_key(cls, prefix, NULL);
}

static struct s3p_str str(const char *s)
{
    return (struct s3p_str){s, strlen(s)};
}

T_TEST(server_list_page)
{
    static const char *const keys[] = {"a",     "l/1", "l/1/", "l/1/b",     "l/10",
                                       "l/2/x", "z",   "\xff", "\xff\xff/a"};
    static const struct {
        const char *prefix, *delimiter, *after;
        unsigned max;
        const char *want;
        bool truncated;
    } rows[] = {
        {"", "", "", 1000, "a l/1 l/1/ l/1/b l/10 l/2/x z \xff \xff\xff/a ", false},
        {"", "/", "", 1000, "a *l/ z \xff *\xff\xff/ ", false},
        {"l/", "/", "", 1000, "l/1 *l/1/ l/10 *l/2/ ", false},
        {"l/", "/", "l/1", 1000, "*l/1/ l/10 *l/2/ ", false},
        {"l/", "/", "l/1/", 1000, "l/10 *l/2/ ", false},
        {"l/", "/", "l/1/b", 1000, "l/10 *l/2/ ", false},
        {"l/", "/", "l/10", 1000, "*l/2/ ", false},
        {"", "", "z", 1000, "\xff \xff\xff/a ", false},
        {"", "", "l/1", 2, "l/1/ l/1/b ", true},
        {"", "/", "", 2, "a *l/ ", true},
        {"", "/", "l/", 2, "z \xff ", true},
        {"\xff\xff", "/", "", 1, "*\xff\xff/ ", false},
        {"", "", "", 0, "", false},
        {"x", "", "", 9, "", false},
    };
    struct s3p_srv_store s;
    struct s3p_buf seen;
    char bytes[S3P_SRV_RECORD_HEAD];
    s3p_buf_init(&seen, 4096);
    make_dir();
    T_OK(s3p_srv_store_open(&s, dir, false, err));
    MDB_txn *txn = begin(&s, 0);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        T_EQ(s3p_srv_table_put(txn, s.current, 1, str(keys[i]), record(bytes, i)), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_srv_page page = {.prefix = str(rows[i].prefix),
                                    .delimiter = str(rows[i].delimiter),
                                    .after = str(rows[i].after),
                                    .max_keys = rows[i].max};
        s3p_buf_clear(&seen);
        T_EQ(s3p_srv_page_walk(&page, txn, &s, 1, note_key, note_common, &seen), 0);
        T_STR(s3p_buf_cstr(&seen), rows[i].want);
        T_EQ(page.truncated, rows[i].truncated);
    }
    mdb_txn_abort(txn);
    s3p_srv_store_close(&s);
    s3p_buf_free(&seen);
    remove_dir();
}

T_TEST(server_list_tokens)
{
    struct s3p_buf token, position;
    s3p_buf_init(&token, 4096);
    s3p_buf_init(&position, 4096);
    s3p_srv_token_make(&token, S3P_STR("a/b"), "secret");
    struct s3p_str t = {token.data, token.len};
    T_TRUE(s3p_srv_token_read(t, "secret", &position));
    T_TRUE(s3p_str_eq((struct s3p_str){position.data, position.len}, "a/b"));
    T_TRUE(!s3p_srv_token_read(t, "other", &position));
    for (size_t i = 0; i < token.len; i++) {
        char was = token.data[i];
        token.data[i] = was == 'A' ? 'B' : 'A';
        T_TRUE(!s3p_srv_token_read(t, "secret", &position));
        token.data[i] = was;
        T_TRUE(!s3p_srv_token_read((struct s3p_str){token.data, i}, "secret", &position));
    }
    s3p_buf_free(&token);
    s3p_buf_free(&position);
}

/* Writes a bucket, an object with a body file and an orphan body, and dies without closing. */
static void write_and_crash(void)
{
    struct s3p_srv_store s;
    struct s3p_srv_bucket b = {.id = 5};
    struct s3p_buf bytes;
    uint64_t orphan;
    s3p_buf_init(&bytes, 1024);
    T_OK(s3p_srv_store_open(&s, dir, true, err));
    struct s3p_srv_record r = {.size = 4, .in_file = true};
    int fd = s3p_srv_body_create(&s, &r.body_id);
    T_EQ(write(fd, "body", 4), 4);
    T_EQ(s3p_srv_body_sync(&s, r.body_id, fd), 0);
    T_TRUE(s3p_srv_body_create(&s, &orphan) >= 0);
    s3p_srv_record_encode(&bytes, &r);
    MDB_txn *txn = begin(&s, 0);
    T_EQ(s3p_srv_bucket_put(txn, &s, S3P_STR("bkt"), &b), 0);
    T_EQ(
        s3p_srv_table_put(txn, s.current, 5, S3P_STR("k"), (struct s3p_str){bytes.data, bytes.len}),
        0);
    T_EQ(mdb_txn_commit(txn), 0);
    txn = begin(&s, 0); /* one that never ends */
    T_EQ(s3p_srv_table_del(txn, s.current, 5, S3P_STR("k")), 0);
    T_EQ(kill(getpid(), SIGKILL), 0);
}

T_TEST(server_store_after_a_crash)
{
    struct s3p_srv_store s;
    struct s3p_srv_bucket b;
    struct s3p_srv_record r;
    struct s3p_str bytes;
    char body[4];
    int status;
    make_dir();
    pid_t child = fork();
    if (child == 0)
        write_and_crash();
    T_EQ(waitpid(child, &status, 0), child);
    T_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    T_OK(s3p_srv_store_open(&s, dir, true, err));
    T_EQ(s.boot, 2);
    MDB_txn *txn = begin(&s, MDB_RDONLY);
    T_EQ(s3p_srv_bucket_get(txn, &s, S3P_STR("bkt"), &b), 0);
    T_EQ(b.id, 5);
    T_EQ(s3p_srv_table_get(txn, s.current, 5, S3P_STR("k"), &bytes), 0);
    T_TRUE(s3p_srv_record_decode(&r, bytes));
    int fd = s3p_srv_body_open(&s, r.body_id);
    T_EQ(read(fd, body, 4), 4);
    T_MEM(body, "body", 4);
    close(fd);
    T_EQ(s3p_srv_body_open(&s, r.body_id + 1), -1); /* the orphan, swept */
    T_EQ(errno, ENOENT);
    mdb_txn_abort(txn);
    s3p_srv_store_close(&s);
    remove_dir();
}

T_TEST(server_store_bad_directories)
{
    struct s3p_srv_store s;
    struct s3p_err err = {0};
    T_EQ(s3p_srv_store_open(&s, "/proc/none", false, &err), S3P_EIO);
    T_TRUE(strstr(err.msg, "/proc/none") != NULL);
    make_dir();
    char path[80];
    snprintf(path, sizeof path, "%s/bodies", dir);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    T_EQ(s3p_srv_store_open(&s, dir, false, &err), S3P_EIO);
    remove_dir();
}

/* What it says of a folder that was written with this format. */
static int open_with_format(uint64_t format, struct s3p_err *e)
{
    struct s3p_srv_store s;
    make_dir();
    T_EQ(s3p_srv_store_open(&s, dir, false, e), 0);
    MDB_txn *txn = begin(&s, 0);
    MDB_val key = {6, (void *)(uintptr_t) "format"}, value = {sizeof format, &format};
    T_EQ(mdb_put(txn, s.about, &key, &value, 0), 0);
    T_EQ(mdb_txn_commit(txn), 0);
    s3p_srv_store_close(&s);
    int rc = s3p_srv_store_open(&s, dir, false, e);
    if (rc == 0)
        s3p_srv_store_close(&s);
    if (rc == 0)
        rc = s3p_srv_store_open_read(&s, dir, e);
    if (rc == 0)
        s3p_srv_store_close(&s);
    remove_dir();
    return rc;
}

T_TEST(server_store_format)
{
    struct s3p_err e = {0};
    T_EQ(open_with_format(1, &e), 0);
    T_EQ(open_with_format(2, &e), S3P_EIO);
    T_TRUE(strstr(e.msg, "another version") != NULL && strstr(e.msg, "expected format 1") != NULL);
}

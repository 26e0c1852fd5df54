/* Bodies in many files while they are replaced. */
#include "server/parts_body.h"
#include "server/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/t.h"

#define PARTS 5
#define PART_BYTES 3
#define ROUNDS 150
#define READS 300

static char dir[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* An object of PARTS files, "aaa", "bbb" and so on; the third part is empty and has none. */
struct object {
    struct s3p_srv_record record;
    struct s3p_buf parts;
    uint64_t ids[PARTS];
    size_t n;
};

static void fill(struct s3p_srv_store *s, struct object *o)
{
    s3p_buf_clear(&o->parts);
    o->n = 0;
    o->record.size = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        struct s3p_srv_part p = {.size = i == 2 ? 0 : PART_BYTES};
        char bytes[PART_BYTES];
        memset(bytes, 'a' + (int)i, sizeof bytes);
        if (i != 2) {
            int fd = s3p_srv_body_create(s, &p.body_id);
            T_TRUE(fd >= 0 && write(fd, bytes, sizeof bytes) == PART_BYTES);
            close(fd);
            o->ids[o->n++] = p.body_id;
        }
        s3p_srv_part_add(&o->parts, &p);
        o->record.size += p.size;
    }
    o->record.seq = 77;
    o->record.n_parts = PARTS;
    o->record.parts = (struct s3p_str){o->parts.data, o->parts.len};
}

static void make(struct s3p_srv_store *s, struct object *o)
{
    snprintf(dir, sizeof dir, "/tmp/s3p-test-XXXXXX");
    T_TRUE(mkdtemp(dir) != NULL);
    T_OK(s3p_srv_store_open(s, dir, false, err));
    *o = (struct object){.n = 0};
    s3p_buf_init(&o->parts, 4096);
    fill(s, o);
}

static void end(struct s3p_srv_store *s, struct object *o)
{
    s3p_buf_free(&o->parts);
    s3p_srv_store_close(s);
    T_EQ(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static unsigned files_left(const struct s3p_srv_store *s, const struct object *o)
{
    unsigned n = 0;
    for (size_t i = 0; i < o->n; i++)
        n += s3p_srv_body_look(s, o->ids[i]) == 0;
    return n;
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

T_TEST(server_parts_outlive_their_object)
{
    struct s3p_srv_store s;
    struct object o;
    struct s3p_srv_parts_body *one, *two, *late;
    char bytes[64] = {0};
    make(&s, &o);
    unsigned before = descriptors();
    T_EQ(s3p_srv_parts_open(&one, &s, &o.record, 0, 12), 0);
    T_EQ(s3p_srv_parts_open(&two, &s, &o.record, 2, 8), 0);
    T_EQ(descriptors(), before + 2);
    T_EQ(s3p_srv_parts_read(one, 0, bytes, 4), 4);
    T_EQ(memcmp(bytes, "aaab", 4), 0);
    s3p_srv_pins_release(&s, 77, o.ids, o.n);
    T_EQ(files_left(&s, &o), o.n);
    T_EQ(s3p_srv_parts_read(one, 4, bytes, sizeof bytes), 8);
    T_EQ(memcmp(bytes, "bbdddeee", 8), 0);
    T_EQ(s3p_srv_parts_read(one, 12, bytes, sizeof bytes), 0);
    s3p_srv_parts_close(one);
    T_EQ(files_left(&s, &o), o.n);
    T_EQ(s3p_srv_parts_read(two, 0, bytes, sizeof bytes), 8);
    T_EQ(memcmp(bytes, "abbbddde", 8), 0);
    T_EQ(descriptors(), before + 1);
    s3p_srv_parts_close(two);
    T_EQ(files_left(&s, &o), 0);
    T_EQ(s3p_srv_parts_open(&late, &s, &o.record, 5, 4), ENOENT);
    T_EQ(descriptors(), before);
    end(&s, &o);
}

/* The view is older than the commit that replaced the object: the reader must notice. */
T_TEST(server_parts_of_a_replaced_object)
{
    struct s3p_srv_store s;
    struct object o;
    struct s3p_srv_parts_body *late;
    make(&s, &o);
    s3p_srv_pins_release(&s, 77, o.ids, 1); /* the others go outside of the lock, later */
    T_EQ(files_left(&s, &o), o.n - 1);
    T_EQ(s3p_srv_parts_open(&late, &s, &o.record, 6, 3), ENOENT);
    s3p_srv_pins_release(&s, 77, o.ids + 1, o.n - 1);
    T_EQ(files_left(&s, &o), 0);
    end(&s, &o);
}

/* Readers with a view from before the object was replaced. */
struct readers {
    pthread_barrier_t together;
    const struct s3p_srv_store *s;
    const struct object *o;
};

/* Reads all of it again and again, at most until it has gone; what was opened must be whole. */
static void read_on(const struct readers *r)
{
    struct s3p_srv_parts_body *b;
    char bytes[64];
    for (unsigned i = 0; i < READS; i++) {
        if (s3p_srv_parts_open(&b, r->s, &r->o->record, 0, r->o->record.size) != 0)
            return;
        T_EQ(s3p_srv_parts_read(b, 0, bytes, sizeof bytes), 12);
        s3p_srv_parts_close(b);
    }
}

static void *second_reader(void *arg)
{
    struct readers *r = arg;
    pthread_barrier_wait(&r->together);
    read_on(r);
    return NULL;
}

/* Each round ends with one that comes while the last one goes. */
T_TEST(server_parts_late_reader_against_the_last)
{
    struct s3p_srv_store s;
    struct object o;
    make(&s, &o);
    struct readers r = {.s = &s, .o = &o};
    pthread_barrier_init(&r.together, NULL, 2);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct s3p_srv_parts_body *first;
        pthread_t thread;
        T_EQ(s3p_srv_parts_open(&first, &s, &o.record, 0, 12), 0);
        s3p_srv_pins_release(&s, 77, o.ids, o.n);
        T_EQ(pthread_create(&thread, NULL, second_reader, &r), 0);
        pthread_barrier_wait(&r.together);
        s3p_srv_parts_close(first);
        read_on(&r);
        pthread_join(thread, NULL);
        T_EQ(files_left(&s, &o), 0);
        fill(&s, &o);
    }
    pthread_barrier_destroy(&r.together);
    end(&s, &o);
}

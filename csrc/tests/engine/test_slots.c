/* What names hold of uploads and pages. */
#include "engine/slots.h"

#include "tests/t.h"

#define BIT(field) (1u << S3P_FIELD_##field)

static struct s3p_slot *slot_of(struct s3p_slot_info *info, int page_keys)
{
    struct s3p_program prog = {.slots = info, .nslots = 1, .page_keys = page_keys};
    struct s3p_slot *s;
    T_OK(s3p_slots_create(&s, &prog, err));
    return s;
}

static void add_part(struct s3p_slot *s, unsigned number, struct s3p_id id, uint64_t size,
                     struct s3p_str etag)
{
    struct s3p_complete_part named = {number, etag, S3P_SUM_CRC32, etag};
    s3p_slot_add_part(s, &named, id, size);
}

T_TEST(slots_parts_by_number)
{
    struct s3p_slot_info info = {.fields = BIT(UPLOAD) | BIT(PARTS), .nparts = 3};
    struct s3p_slot *s = slot_of(&info, 0);
    struct s3p_id a = s3p_id_make(1, 2, 3), b = s3p_id_make(1, 2, 4);
    add_part(s, 7, a, 64, S3P_STR("\"7\""));
    add_part(s, 2, a, 128, S3P_STR("\"2\""));
    add_part(s, 7, b, 65, S3P_STR("\"8\"")); /* in place of the earlier one */
    add_part(s, 10000, b, 66, S3P_STR("\"x\""));
    add_part(s, 5, b, 66, S3P_STR("\"x\"")); /* no room: the plan has three */
    T_EQ(s->nparts, 3);
    T_EQ(s->parts[0].number, 2);
    T_EQ(s->parts[2].number, 10000);
    const struct s3p_slot_part *p = s3p_slot_find_part(s, 7);
    T_TRUE(p != NULL && p->size == 65 && s3p_id_eq(p->id, b));
    T_MEM(p->etag, "\"8\"", p->etag_len);
    T_EQ(p->sum, S3P_SUM_CRC32);
    T_EQ(p->sum_len, 3);
    T_MEM(p->sum_text, "\"8\"", 3);
    T_TRUE(s3p_slot_find_part(s, 5) == NULL && s3p_slot_find_part(s, 10001) == NULL);
    char large[S3P_PART_ETAG_MAX + 1];
    memset(large, 'e', sizeof large);
    add_part(s, 2, b, 1, (struct s3p_str){large, sizeof large}); /* not kept */
    T_EQ(s3p_slot_find_part(s, 2)->size, 128);
    add_part(s, 2, b, 1, (struct s3p_str){large, S3P_SUM_TEXT_MAX + 1}); /* none is so long */
    T_EQ(s3p_slot_find_part(s, 2)->size, 1);
    T_EQ(s3p_slot_find_part(s, 2)->sum, S3P_SUM_NONE);
    s3p_slots_free(s, 1);
}

T_TEST(slots_names_in_order_and_bounded)
{
    struct s3p_slot_info info = {.fields = BIT(VERSIONS)};
    struct s3p_slot *s = slot_of(&info, 1);
    struct s3p_delete_name in = {S3P_STR("key"), S3P_STR("v1"), S3P_STR("\"e\"")}, out;
    size_t at = 0;
    int added = 0, n = 0;
    s3p_slot_add_name(s, &(struct s3p_delete_name){.version_id = S3P_STR("no key")});
    T_EQ(s->nnames, 0);
    while (s->nnames == added) {
        s3p_slot_add_name(s, &in);
        added++;
    }
    T_EQ(s->nnames, added - 1); /* the last one did not fit */
    for (; s3p_slot_next_name(s, &at, &out); n++)
        T_TRUE(s3p_str_eq(out.key, "key") && s3p_str_eq(out.version_id, "v1") &&
               s3p_str_eq(out.etag, "\"e\""));
    T_EQ(n, s->nnames);
    s3p_slot_clear_names(s);
    at = 0;
    T_TRUE(!s3p_slot_next_name(s, &at, &out));
    s3p_slots_free(s, 1);
}

T_TEST(slots_tokens)
{
    struct s3p_slot_info info = {.fields = BIT(TOKEN)};
    struct s3p_slot *s = slot_of(&info, 1);
    struct s3p_str key, id;
    s3p_slot_token(s, &key, &id);
    T_TRUE(key.len == 0 && id.len == 0);
    s3p_slot_set_token(s, S3P_STR("a b"), S3P_STR("v"));
    s3p_slot_token(s, &key, &id);
    T_TRUE(s3p_str_eq(key, "a b") && s3p_str_eq(id, "v"));
    s3p_slot_set_token(s, (struct s3p_str){NULL, 0}, S3P_STR("token"));
    s3p_slot_token(s, &key, &id);
    T_TRUE(key.len == 0 && s3p_str_eq(id, "token"));
    s3p_slot_set_token(s, (struct s3p_str){NULL, 0}, (struct s3p_str){NULL, 0});
    T_EQ(s3p_slot_text(s, S3P_FIELD_TOKEN).len, 0);
    s3p_slots_free(s, 1);
}

/* The plan's budget covers what is reserved. */
T_TEST(slots_are_in_the_budget)
{
    struct s3p_slot_info info = {.fields = BIT(UPLOAD) | BIT(PARTS) | BIT(TOKEN) | BIT(KEYS),
                                 .nparts = 2000};
    struct s3p_slot *s = slot_of(&info, 1000);
    size_t bytes = sizeof *s + s->names.cap + (size_t)s->parts_cap * sizeof *s->parts;
    for (int f = 0; f <= S3P_FIELD_TOKEN; f++)
        bytes += s->text[f].cap;
    T_TRUE(s3p_slot_bytes(&info) >= bytes && bytes > 2000 * sizeof(struct s3p_slot_part));
    s3p_slots_free(s, 1);
}

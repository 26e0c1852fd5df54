#include "s3/id.h"

#include "tests/s3/vec.h"

T_TEST(id_vectors)
{
    json_t *root = vec_load(t_vectors("id.json")), *v;
    size_t i;
    json_array_foreach (vec_list(root, "ids", 4), i, v) {
        char text[32];
        struct s3p_id parsed,
            id = s3p_id_make((uint64_t)vec_int(v, "run"), (uint32_t)vec_int(v, "client"),
                             (uint64_t)vec_int(v, "counter"));
        struct s3p_str want = vec_str(v, "text");
        s3p_id_text(text, id);
        vec_expect(v, text, 32, want);
        T_EQ(s3p_id_run(id), vec_int(v, "run"));
        T_EQ(s3p_id_client(id), vec_int(v, "client"));
        T_EQ(s3p_id_counter(id), vec_int(v, "counter"));
        T_TRUE(s3p_id_parse(&parsed, want.p, want.len) && s3p_id_eq(parsed, id));
        T_EQ(s3p_id_none(id), i == 0);
    }
    json_array_foreach (vec_list(root, "bad", 5), i, v) {
        struct s3p_id id;
        T_TRUE(!s3p_id_parse(&id, json_string_value(v), json_string_length(v)));
    }
    json_decref(root);
}

T_TEST(id_composites)
{
    json_t *root = vec_load(t_vectors("parts.json")), *v, *part;
    size_t i, k;
    json_array_foreach (vec_list(root, "composites", 7), i, v) {
        struct s3p_composite c = {.n = 0};
        char text[32];
        json_array_foreach (json_object_get(v, "ids"), k, part) {
            struct s3p_id id;
            T_TRUE(s3p_id_parse(&id, json_string_value(part), json_string_length(part)));
            s3p_composite_add(&c, id);
        }
        s3p_id_text(text, s3p_composite_id(&c));
        vec_expect(v, text, sizeof text, vec_str(v, "id"));
        s3p_composite_add(&c, (struct s3p_id){{0}}); /* one that is not known */
        T_TRUE(s3p_id_none(s3p_composite_id(&c)));
    }
    struct s3p_composite none = {.n = 0};
    T_TRUE(s3p_id_none(s3p_composite_id(&none)));
    json_decref(root);
}

#include "s3/tags.h"

#include "s3/xml.h"
#include "tests/s3/vec.h"

static int tags_of(const json_t *object, struct s3p_tag *out)
{
    const char *key;
    json_t *value;
    int n = 0;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value)
        out[n++] = (struct s3p_tag){{key, strlen(key)},
                                    {json_string_value(value), json_string_length(value)}};
    return n;
}

T_TEST(tags_sets)
{
    json_t *root = vec_load(t_vectors("tags.json")), *v;
    size_t i;
    json_array_foreach (vec_list(root, "sets", 20), i, v) {
        char header[S3P_TAGS_HEADER_MAX], want[512] = "";
        struct s3p_tag tags[S3P_TAGS_MAX + 2];
        struct s3p_id id = vec_id(v, "id");
        int n = tags_of(json_object_get(v, "tags"), tags);
        T_EQ(n, vec_int(v, "n"));
        for (int k = 0; k < n; k++)
            snprintf(want + strlen(want), sizeof want - strlen(want), "%s%s=%s", k == 0 ? "" : "&",
                     tags[k].key.p, tags[k].value.p);
        vec_expect(v, header, s3p_tags_header(header, id, n), (struct s3p_str){want, strlen(want)});
    }
    json_decref(root);
}

T_TEST(tags_read)
{
    static const struct {
        const char *name;
        enum s3p_body_verdict verdict;
    } verdicts[] = {
        {"clean", S3P_BODY_CLEAN}, {"torn", S3P_BODY_TORN}, {"corrupt", S3P_BODY_CORRUPT}};
    json_t *root = vec_load(t_vectors("tags.json")), *v;
    size_t i;
    json_array_foreach (vec_list(root, "read", 15), i, v) {
        struct s3p_tag tags[16];
        struct s3p_id id;
        int n = tags_of(json_object_get(v, "tags"), tags), want = 0;
        while (!s3p_str_eq(vec_str(v, "verdict"), verdicts[want].name))
            want++;
        vec_expect(v, "", s3p_tags_judge(tags, n, &id) != verdicts[want].verdict, S3P_STR(""));
        T_TRUE(s3p_id_eq(id, vec_id(v, "id")));
    }
    json_decref(root);
}

T_TEST(tags_body)
{
    struct s3p_buf out;
    s3p_buf_init(&out, 4096);
    s3p_tags_body(&out, s3p_id_make(1, 2, 3), 2);
    T_STR(s3p_buf_cstr(&out),
          "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>"
          "<Tag><Key>s3p-id</Key><Value>00000000000100000002000000000003</Value></Tag>"
          "<Tag><Key>s3p-n</Key><Value>2</Value></Tag></TagSet></Tagging>");
    s3p_buf_free(&out);
}

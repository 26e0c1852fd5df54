#include "s3/etag.h"

#include "tests/s3/vec.h"

T_TEST(etag_vectors)
{
    json_t *root = vec_load(t_vectors("etag.json")), *v;
    size_t i;
    json_array_foreach (vec_list(root, "etags", 15), i, v) {
        struct s3p_str text = vec_str(v, "text");
        struct s3p_etag e = s3p_etag_parse(text.p, text.len);
        char hex[32];
        T_EQ(e.form, vec_int(v, "form"));
        s3p_hex(hex, e.b, 16);
        vec_expect(v, hex, 32, vec_str(v, "bytes"));
        T_EQ(s3p_etag_eq(&e, &e), e.form != S3P_ETAG_NONE);
    }
    json_decref(root);
}

T_TEST(etag_equality)
{
    static const char quoted[] = "\"0123456789abcdef0123456789ABCDEF\"";
    struct s3p_etag a = s3p_etag_parse(quoted, 34), b = s3p_etag_parse(quoted + 1, 32);
    struct s3p_etag c = s3p_etag_parse("abc", 3), d = s3p_etag_parse("\"abc\"", 5);
    T_TRUE(s3p_etag_eq(&a, &b) && s3p_etag_eq(&c, &d) && !s3p_etag_eq(&a, &c));
    b.form = S3P_ETAG_HASHED; /* the same bytes by another way are another ETag */
    T_TRUE(!s3p_etag_eq(&a, &b));
}

#include "s3/sum.h"

#include "tests/t.h"

static void check(const char *name, const char *want)
{
    char text[S3P_SUM_TEXT_MAX];
    for (size_t cut = 0; cut <= 9; cut++) {
        struct s3p_sum s;
        s3p_sum_init(&s, s3p_sum_find((struct s3p_str){name, strlen(name)}));
        s3p_sum_add(&s, "123456789", cut);
        s3p_sum_add(&s, "123456789" + cut, 9 - cut);
        T_EQ(s3p_sum_text_len(s.kind), strlen(want));
        T_EQ(s3p_sum_end(&s, text), strlen(want));
        T_MEM(text, want, strlen(want));
    }
}

T_TEST(sum_check_values)
{
    check("crc32", "y/Q5Jg==");
    check("CRC32C", "4waSgw==");
    check("crc64nvme", "rosUhgp5mIg=");
    check("SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE=");
    check("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
}

T_TEST(sum_names)
{
    T_EQ(s3p_sum_find(S3P_STR("md5")), S3P_SUM_NONE);
    T_EQ(s3p_sum_find(S3P_STR("")), S3P_SUM_NONE);
    for (int k = 1; k < S3P_SUM_KINDS; k++) {
        const struct s3p_sum_row *row = &s3p_sum_table[k];
        T_EQ(s3p_sum_find((struct s3p_str){row->name, strlen(row->name)}), k);
        T_TRUE(row->header.len == strlen(row->header.p) && row->full_object + row->composite > 0);
    }
}

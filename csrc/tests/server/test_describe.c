/* The description of the store, from its tables. */
#include "server/describe.h"
#include "server/routes.h"

#include "tests/t.h"

T_TEST(server_describe_every_operation)
{
    size_t n;
    const struct s3p_srv_route *rows = s3p_srv_route_rows(&n);
    for (size_t i = 0; i < n; i++)
        T_TRUE(s3p_srv_describe_about(rows[i].name)[0] != 0);
    json_t *doc = s3p_srv_describe();
    T_EQ(json_array_size(json_object_get(doc, "operations")), n);
    (void)s3p_srv_field_rows(&n);
    T_EQ(json_array_size(json_object_get(doc, "headers")), n);
    T_EQ(json_array_size(json_object_get(doc, "errors")), S3P_SE_COUNT - 1);
    json_decref(doc);
}

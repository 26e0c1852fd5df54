/* Judges a recorded history and prints the verdict as JSON: s3p_check [-t THREADS] [-m MEMORY_MB]
 * [-w WITNESSES] FILE. Status: 0 held, 1 violated, 3 inconclusive, 2 the history cannot be judged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check/check.h"

int main(int argc, char **argv)
{
    struct s3p_check_opts o = {0};
    struct s3p_verdict *v = NULL;
    struct s3p_err err = {0};
    struct s3p_buf out;
    int opt;
    while ((opt = getopt(argc, argv, "t:m:w:")) != -1) {
        if (opt == 't')
            o.threads = (int)strtol(optarg, NULL, 10);
        else if (opt == 'm')
            o.memory_bytes = strtoull(optarg, NULL, 10) << 20;
        else if (opt == 'w')
            o.max_witnesses = (int)strtol(optarg, NULL, 10);
        else
            return 2;
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "usage: s3p_check [-t THREADS] [-m MEMORY_MB] [-w WITNESSES] FILE\n");
        return 2;
    }
    if (s3p_check_file(&v, argv[optind], &o, &err) != 0) {
        fprintf(stderr, "s3p_check: %s\n", err.msg);
        return 2;
    }
    s3p_buf_init(&out, SIZE_MAX);
    s3p_verdict_json(v, &out);
    int status = (int)s3p_verdict_consistency(v);
    printf("%s\n", s3p_buf_cstr(&out));
    s3p_buf_free(&out);
    s3p_verdict_free(v);
    return status;
}

#include "tests/t.h"

#include "core/arena.h"

T_TEST(arena_pieces_are_zeroed_aligned_and_apart)
{
    struct s3p_arena a;
    s3p_arena_init(&a, 1 << 20);
    uint8_t *piece[200];
    size_t size[200];
    for (size_t i = 0; i < 200; i++) {
        size[i] = i * 37 % 3000;
        piece[i] = s3p_arena_alloc(&a, size[i]);
        T_TRUE(piece[i] != NULL);
        T_EQ((uintptr_t)piece[i] % 16, 0);
        for (size_t j = 0; j < size[i]; j++)
            T_EQ(piece[i][j], 0);
        memset(piece[i], (int)i + 1, size[i]);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < size[i]; j++)
            T_EQ(piece[i][j], (uint8_t)(i + 1));
    T_STR(s3p_arena_strndup(&a, "abcdef", 4), "abcd");
    T_STR(s3p_arena_strndup(&a, NULL, 0), "");
    s3p_arena_free(&a);
    s3p_arena_free(&a);
    T_EQ(a.used, 0);
}

T_TEST(arena_maximum)
{
    struct s3p_arena a;
    s3p_arena_init(&a, 64);
    T_TRUE(s3p_arena_alloc(&a, 65) == NULL);
    T_TRUE(s3p_arena_alloc(&a, SIZE_MAX) == NULL);
    T_TRUE(s3p_arena_strndup(&a, "", SIZE_MAX) == NULL);
    for (int i = 0; i < 4; i++)
        T_TRUE(s3p_arena_alloc(&a, 16) != NULL);
    T_TRUE(s3p_arena_alloc(&a, 0) == NULL);
    T_EQ(a.used, 64);
    s3p_arena_free(&a);
    s3p_arena_init(&a, SIZE_MAX);
    T_TRUE(s3p_arena_alloc(&a, SIZE_MAX) == NULL);
    T_TRUE(s3p_arena_alloc(&a, SIZE_MAX / 2) == NULL);
}

#ifdef S3P_ALLOC_TEST
T_TEST(arena_small_pieces_share_blocks)
{
    struct s3p_arena a;
    s3p_arena_init(&a, 1 << 20);
    int64_t before = s3p_alloc_live();
    for (int i = 0; i < 100; i++) {
        T_TRUE(s3p_arena_alloc(&a, 32) != NULL);
        if (i % 25 == 0)
            T_TRUE(s3p_arena_alloc(&a, 100000) != NULL); /* the tail of the block stays in use */
    }
    T_EQ(s3p_alloc_live() - before, 1 + 4);
    s3p_alloc_fail_at(1);
    T_TRUE(s3p_arena_alloc(&a, 100000) == NULL);
    T_TRUE(s3p_arena_alloc(&a, 16) != NULL);
    s3p_arena_free(&a);
}
#endif

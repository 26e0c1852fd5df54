/* Runs one fuzz target on the files that are named, without libFuzzer: inputs that once found
 * something, and one of each kind, stay tests. */
#include <stdint.h>
#include <stdio.h>

#define INPUT_MAX_BYTES (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    static uint8_t data[INPUT_MAX_BYTES]; /* targets may check that nothing is allocated */
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (f == NULL) {
            fprintf(stderr, "replay: %s: cannot be read\n", argv[i]);
            return 2;
        }
        size_t size = fread(data, 1, INPUT_MAX_BYTES, f);
        fclose(f);
        LLVMFuzzerTestOneInput(data, size);
    }
    printf("%d inputs\n", argc - 1);
    return 0;
}

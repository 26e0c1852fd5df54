/* The embedded store without Python: the same options as `s3prod serve`. */
#include "server/serve.h"

int main(int argc, char **argv)
{
    return s3p_serve_main(argc, argv);
}

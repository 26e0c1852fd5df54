/* The fault proxy without Python: the same options as `s3prod proxy`. */
#include "proxy/proxy.h"

int main(int argc, char **argv)
{
    return s3p_proxy_main(argc, argv);
}

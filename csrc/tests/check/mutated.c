#define S3P_CHECK_MUTANTS 1
#define s3p_check_mutant t_mutant
#define s3p_reg_create t_mutated_create
#define s3p_reg_free t_mutated_free
#define s3p_reg_check t_mutated_check
#define s3p_reg_blame t_mutated_blame
#define s3p_reg_latest_read t_mutated_latest_read
#define s3p_reg_earliest_read t_mutated_earliest_read
#define s3p_chain_link t_mutated_chain_link
#define s3p_chain_walk t_mutated_chain_walk
#define s3p_chain_cycles t_mutated_chain_cycles
#define s3p_chain_negatives t_mutated_chain_negatives
#define s3p_zone_build t_mutated_zone_build
#define s3p_zone_check t_mutated_zone_check
#define s3p_zone_sort t_mutated_zone_sort
#define s3p_blame_zones t_mutated_blame_zones

#include "tests/check/mutated.h"

#include "check/register.c"
#include "check/chain.c"
#include "check/zone.c"
#include "check/blame.c"

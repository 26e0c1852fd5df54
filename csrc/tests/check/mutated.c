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
#define s3p_reg_begin t_mutated_reg_begin
#define s3p_reg_judge t_mutated_reg_judge
#define s3p_reg_open t_mutated_reg_open
#define s3p_reg_tell t_mutated_reg_tell
#define s3p_reg_settle t_mutated_reg_settle
#define s3p_epoch_applies t_mutated_epoch_applies
#define s3p_epoch_check t_mutated_epoch_check
#define s3p_negatives_check t_mutated_negatives_check
#define s3p_search_run t_mutated_search_run
#define s3p_search_free t_mutated_search_free
#define s3p_timeline_build t_mutated_timeline_build
#define s3p_timeline_free t_mutated_timeline_free
#define s3p_timeline_any t_mutated_timeline_any
#define s3p_configs_free t_mutated_configs_free
#define s3p_configs_clear t_mutated_configs_clear
#define s3p_configs_has t_mutated_configs_has
#define s3p_configs_add t_mutated_configs_add
#define s3p_blame_gap t_mutated_blame_gap
#define s3p_windows_make t_mutated_windows_make
#define s3p_windows_free t_mutated_windows_free
#define s3p_borders_pack t_mutated_borders_pack
#define s3p_borders_window t_mutated_borders_window
#define s3p_borders_find t_mutated_borders_find

#include "tests/check/mutated.h"

#include "check/register.c"
#include "check/chain.c"
#include "check/zone.c"
#include "check/blame.c"
#include "check/configs.c"
#include "check/epoch.c"
#include "check/negatives.c"
#include "check/search.c"
#include "check/timeline.c"
#include "check/windows.c"

// A maker for each verb; the verb is in the file of its name.
#pragma once

#include <memory>

namespace podgit {

class Command;

std::unique_ptr<Command> make_commit();
std::unique_ptr<Command> make_inject();
std::unique_ptr<Command> make_checkout();
std::unique_ptr<Command> make_list();
std::unique_ptr<Command> make_versions();
std::unique_ptr<Command> make_log();
std::unique_ptr<Command> make_show();
std::unique_ptr<Command> make_diff();
std::unique_ptr<Command> make_inspect();
std::unique_ptr<Command> make_verify();
std::unique_ptr<Command> make_copy();
std::unique_ptr<Command> make_delete();
std::unique_ptr<Command> make_undo();
std::unique_ptr<Command> make_export();
std::unique_ptr<Command> make_import();
std::unique_ptr<Command> make_state_export();
std::unique_ptr<Command> make_state_import();
std::unique_ptr<Command> make_state_reset();
std::unique_ptr<Command> make_save();
std::unique_ptr<Command> make_load();
std::unique_ptr<Command> make_push();
std::unique_ptr<Command> make_fetch();
std::unique_ptr<Command> make_pull();
std::unique_ptr<Command> make_clone();
std::unique_ptr<Command> make_remote_add();
std::unique_ptr<Command> make_remote_list();
std::unique_ptr<Command> make_remote_remove();
std::unique_ptr<Command> make_remote_show();
std::unique_ptr<Command> make_init();
std::unique_ptr<Command> make_config_get();
std::unique_ptr<Command> make_config_set();
std::unique_ptr<Command> make_config_unset();
std::unique_ptr<Command> make_config_list();
std::unique_ptr<Command> make_du();
std::unique_ptr<Command> make_gc();
std::unique_ptr<Command> make_fsck();
std::unique_ptr<Command> make_doctor();
std::unique_ptr<Command> make_completion();
std::unique_ptr<Command> make_help();
std::unique_ptr<Command> make_version();

}  // namespace podgit

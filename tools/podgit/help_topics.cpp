#include "help_topics.hpp"

namespace podgit {
namespace {

constexpr std::string_view environment_text = R"(What podgit reads from the environment

  PODGIT_DIR              the store, where --store is not given
  PODGIT_INSTANCE         the instance to commit from and inject into
  PODGIT_INSTANCE_TOKEN   its token; never taken from the command line
  PODGIT_STRATEGY         how an inject joins what the instance holds
  PODGIT_AUTHOR_NAME      author of versions
  PODGIT_AUTHOR_EMAIL
  PODGIT_PAGER, PAGER     pager for log, show, diff, inspect; else less -FRX
  XDG_DATA_HOME           the default store is podgit in it (~/.local/share)
  XDG_CONFIG_HOME         the settings are podgit/config in it (~/.config)
  NO_COLOR                no colour
  CLICOLOR_FORCE          colour, terminal or not
  TERM                    dumb: no colour, progress line, pager, browser
  COLUMNS                 width of a terminal that does not tell

The store is the first of these: --store, $PODGIT_DIR, the nearest .podgit in
the current folder or above (podgit init), the default store. The first commit
or import makes it. A .podgit that belongs to another user is refused.

A setting is taken from the option, else the environment, else the store's
configuration, else your own (podgit config list shows which).
)";

constexpr std::string_view exit_codes_text = R"(Exit codes

    0  done; also when nothing changed (--json: data.created tells)
    1  failure of another kind; with --exit-code: there are differences
    2  usage: an option, a name or a reference is wrong
    3  a confirmation is needed: --yes
    4  not logged in, or not allowed
    5  not found
    6  conflict: it is there already, or it has moved
    7  integrity: the store or an archive is damaged
    8  refused by a limit or a policy
    9  not reachable; trying again may help
   10  busy: another podgit writes to the store; trying again may help
   11  incompatible: another emulator, version or format
   12  partly done; what was not is listed with the reason
   13  the outcome is unknown; nothing was deleted
  130  interrupted

On failure standard error has what failed, why, what is unchanged and what to do
next; with --json the same stands in the field error.
)";

constexpr std::string_view refs_text = R"(References to versions

  shop                  the latest version of the pod shop
  shop:3                its version 3
  shop~1                the version before the latest; shop~2 the one before it
  rev:REVISION          anything git can say of the store's repository, e.g.
                        rev:shop@{yesterday}

A pod's name is letters, digits, '.', '_' and '-', at most 128, begins with a
letter or a digit, has no '..' and does not end with '.' or '.lock'. Two names
must not differ in case alone.

diff, inspect and verify take what is in no store, too: a URL is a running
instance, what begins with ./, ../ or / a directory or an archive (zip,
tar.zst). Another name is a pod where the store has it, else a file.

Versions are numbered from 1, each one more than the highest among its parents.
)";

}  // namespace

std::optional<std::string_view> topic_text(std::string_view topic) {
  if (topic == "environment") return environment_text;
  if (topic == "exit-codes") return exit_codes_text;
  if (topic == "refs") return refs_text;
  return std::nullopt;
}

}  // namespace podgit

// An emulator small enough to look into: files in memory behind the real protocol on a real socket, with faults on
// demand. A state file is a word in its memory, and a pickle of it on the wire (state_words.hpp).
#pragma once

#include <libpod/snapshot.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace pod::test {

class TinyInstance {
 public:
  using Files = std::map<std::string, std::string>;  // path → content

  TinyInstance();
  ~TinyInstance();
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  Files files() const;
  void set(const std::string& path, const std::string& content);
  void erase(const std::string& path);

  /// How it behaves, and what came to it.
  struct Behaviour {
    std::set<std::string> unsavable;       // services whose capture fails
    std::set<std::string> unloadable;      // services whose load fails
    bool refuse_posts = false;             // 422 "refused"
    bool lose_answer = false;              // a post is done, then the connection is cut
    std::function<void()> before_capture;  // called before a capture is answered
    std::function<void()> before_post;     // called when a post has arrived, before it is done
    std::string emulator_version = "5.2.1";
    int format = 1;
    std::vector<std::string> posted_versions;  // x-pod-version of each post
    std::size_t omitted = 0;                   // blobs that the last capture left out
    int noise = 0;                             // changes the bytes of its pickles, not what they say
    std::vector<std::string> posted_states;    // the state files of the last post, as they came
  };
  /// While it lives, no request is answered.
  class Locked {
   public:
    Behaviour* operator->() const { return behaviour_; }

   private:
    friend class TinyInstance;
    Locked(std::recursive_mutex& mutex, Behaviour& behaviour) : lock_(mutex), behaviour_(&behaviour) {}
    std::unique_lock<std::recursive_mutex> lock_;
    Behaviour* behaviour_;
  };
  Locked locked() { return {mutex_, behaviour_}; }

 private:
  struct Request {
    std::string method, path, query, body;
    std::map<std::string, std::string> headers;
  };
  struct Answer {
    int status = 200;
    std::string type = "application/json";
    std::string body;
    bool lost = false;
  };
  void serve();
  void talk(int socket);
  Answer answer(const Request& request);
  Answer capture(const std::vector<std::string>& services, const std::set<std::string>& have);
  Answer load(const Request& request);
  std::string digest_now(const SnapshotInfo& info) const;

  int listener_ = -1;
  int stop_[2] = {-1, -1};
  int port_ = 0;
  mutable std::recursive_mutex mutex_;  // held while a request is answered; what it calls may use the instance
  Files files_;
  Behaviour behaviour_;
  std::thread thread_;
};

}  // namespace pod::test

// A bucket whose keys somebody else has: each request goes to a URL that was signed for it.
#pragma once

#include "objects/s3_store.hpp"

namespace pod::objects {

/// Secret. A value.
struct SignedUrl {
  std::string url;
  Pairs headers;             // all that were signed and have to be sent
  std::int64_t expires = 0;  // seconds since 1970; 0: not said
};

/// Signs one request, or does not (nullopt) where it never would. What has to be signed: the method, the key, the query
/// and all headers of the request, which for a write are its conditions and its digests, so that the URL is good for
/// one content alone; of a read, its range and its conditions may be left out. Throws what an Authorise may throw.
/// Called from several threads.
using SignUrl = std::function<std::optional<SignedUrl>(const S3Request& request)>;

/// An S3Store on such URLs. One that has expired (or does within a minute), or that the store answers with 403, is
/// asked for anew, once. Error(unsupported) for what nobody signs; Error(refused) for a URL that leaves out a
/// condition: it would be no promise. Where `options` say nothing of the bucket, it is taken to honour S3's conditions.
std::unique_ptr<S3Store> open_signed(std::string shown, SignUrl sign, const S3Options& options,
                                     const Context& context = {});

}  // namespace pod::objects

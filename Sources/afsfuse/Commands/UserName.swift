import Glibc

/// Users by name, for messages.
enum UserName {
  static func of(_ user: uid_t) -> String {
    guard let entry = getpwuid(user) else { return "user \(user)" }
    return String(cString: entry.pointee.pw_name)
  }
}

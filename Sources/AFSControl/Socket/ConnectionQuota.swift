import Glibc

/// How many connections of whom a control server serves at a time: nobody keeps another from being heard.
struct ConnectionQuota {
  /// Of one user's. A command needs one.
  static let userMax = 16
  /// Of all those together who neither own the mount nor are root: descriptors are the mount's, too.
  static let othersMax = 128

  private let owner: uid_t
  private var counts: [uid_t: Int] = [:]

  init(owner: uid_t) {
    self.owner = owner
  }

  /// The owner of the mount, or root.
  func isPrivileged(_ user: uid_t) -> Bool { user == owner || user == 0 }

  /// - Returns: false when the user has to wait until another connection has ended.
  mutating func admit(_ user: uid_t) -> Bool {
    guard counts[user, default: 0] < Self.userMax else { return false }
    if !isPrivileged(user) {
      let others = counts.reduce(0) { isPrivileged($1.key) ? $0 : $0 + $1.value }
      guard others < Self.othersMax else { return false }
    }
    counts[user, default: 0] += 1
    return true
  }

  /// A connection that was admitted has ended.
  mutating func release(_ user: uid_t) {
    guard let count = counts[user] else { return }
    counts[user] = count > 1 ? count - 1 : nil
  }
}

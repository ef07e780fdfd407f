import AFSControl
import Glibc

/// How a mount ends, by what its daemon says when it is asked.
enum UnmountCourse: Equatable {
  /// The daemon ends it, and stores first what is not stored.
  case ask(ControlSocket)
  /// The kernel is told: no daemon has a say.
  case detach
  case refuse(String)

  /// - Parameters:
  ///   - path: of the mount.
  ///   - isBound: the daemon's mount is another one, which stays.
  ///   - user: who wants it.
  init(_ path: String, _ answer: MountAnswer, isLazy: Bool, isBound: Bool, user: uid_t) {
    switch answer.outcome {
    case .reply where isBound, .dead: self = .detach
    case .reply(.status):
      self = answer.socket.map { .ask($0) } ?? .detach
    case .foreign where user != 0:
      let owner = answer.owner.map(UserName.of) ?? "another user"
      self = .refuse("\(path) was mounted by \(owner): only he and root can unmount it")
    // It may hold changes of which nobody would know that they are lost.
    case .otherProgram:
      self = Self.lazily(
        isLazy,
        "\(path) is served by another program, or by an older afsfuse, which cannot be asked to store changes: "
          + "'fusermount3 -u \(path)' ends it as it is, --lazy detaches it")
    case .reply, .failed, .silent, .foreign:
      self = Self.lazily(
        isLazy,
        "the daemon of \(path) cannot be asked, and may hold changes that are not stored: try again when it answers; "
          + "--lazy detaches the mount all the same (\(answer.failure ?? "it is \(UserName.of(answer.owner ?? 0))'s"))")
    }
  }

  private static func lazily(_ isLazy: Bool, _ refusal: String) -> UnmountCourse {
    isLazy ? .detach : .refuse(refusal)
  }
}

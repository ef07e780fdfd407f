import AFSControl
import AFSFuse
import Glibc

/// What came of asking one daemon, or of looking for it.
struct MountAnswer: Hashable {
  enum Outcome: Hashable {
    case reply(ControlReply)
    /// The daemon was found, or a place where daemons are.
    case failed(ControlFailure)
    /// The daemon is gone.
    case dead
    /// Whoever serves the mount does not answer.
    case silent
    /// Whoever serves the mount knows nothing of us.
    case otherProgram
    /// Another user's, who was not asked.
    case foreign
  }

  /// What the kernel says of the mount; nil for a daemon of which it knows no mount.
  var entry: MountTableEntry?
  /// Nil when there is none, or it is not known.
  var socket: ControlSocket?
  /// Who mounted it; whose folder it is.
  var owner: uid_t?
  var outcome: Outcome

  /// A line for people about what a daemon was asked and has not done.
  var failure: String? {
    switch outcome {
    case .reply(.failed(let text)):
      ControlFailure(path: entry?.mountPoint ?? socket?.path ?? "", error: .refused(text)).text
    case .failed(let failure): failure.text
    case .silent: ControlFailure(path: entry?.mountPoint ?? "", error: .timedOut).text
    case .reply, .dead, .otherProgram, .foreign: nil
    }
  }

  /// The mount with what is known of it; nil where only a socket is known.
  var status: MountStatus? {
    if case .reply(.status(var status)) = outcome {
      status.state = entry == nil ? .detached : .mounted
      return status
    }
    guard let entry else { return nil }
    return MountStatus(mountPoint: entry.mountPoint, state: stateWithoutReply, owner: owner)
  }

  /// The socket is not for us: root's private mounts are none of others' business.
  var isClosed: Bool {
    guard case .failed(let failure) = outcome else { return false }
    return failure.error == .system(failure.path, errno: EACCES)
  }

  var isWithoutReply: Bool {
    if case .reply = outcome { false } else { true }
  }

  private var stateWithoutReply: MountStatus.State {
    switch outcome {
    case .reply: .mounted
    case .failed, .silent: .silent
    case .dead: .abandoned
    case .otherProgram: .otherProgram
    case .foreign: .foreign
    }
  }

  /// Whether something is wrong with the mount, whoever it is whose.
  var isTrouble: Bool {
    switch outcome {
    case .failed, .dead, .silent: true
    case .reply(let reply): if case .failed = reply { true } else { false }
    case .otherProgram, .foreign: false
    }
  }

  /// Whether something is wrong with a mount of the user's and certainly of ours: one that does not answer at all may be
  /// another program's.
  func isTrouble(of user: uid_t) -> Bool { isTrouble && owner == user && outcome != .silent }
}

import AFSControl
import AFSFuse
import Glibc

/// Finds the daemons that a command may ask, and asks them.
///
/// A daemon's socket lies where the environment of its start said; that of a command of cron's, or under su or sudo, says
/// something else. What no socket in the known folders answers for is therefore asked through the mount itself.
struct MountSearch {
  /// Where sockets are looked for.
  var folders: [RuntimeFolder]
  var mounts: [MountTableEntry]
  /// Whether mounts of this user's are asked.
  var mayAsk: @Sendable (uid_t) -> Bool
  var probe: @Sendable ([MountTableEntry]) -> [ControlAttribute.Answer] = { AttributeProbe().ask($0) }

  /// For what a mount's owner may do, and root.
  static var ofOwner: MountSearch {
    let user = geteuid()
    return MountSearch(folders: RuntimeFolder.all, mounts: MountTable.own) { user == 0 || $0 == user }
  }

  /// For tokens of this user's: his own mounts hold some, and root's shared ones.
  static var ofTokens: MountSearch {
    let user = geteuid()
    return MountSearch(folders: RuntimeFolder.withTokens, mounts: MountTable.own) { $0 == 0 || $0 == user }
  }

  /// - Parameters:
  ///   - mountPoint: of this mount alone; nil: of all.
  ///   - seconds: to wait for each answer.
  func ask(_ request: ControlRequest, seconds: Int, at mountPoint: String? = nil) -> [MountAnswer] {
    let entries = mountPoint.map { path in mounts.filter { $0.mountPoint == path } } ?? mounts
    var answers = askFolders(request, seconds, mountPoint, entries)
    let missing = Self.without(answers, entries)
    let ours = missing.filter { $0.userID.map(mayAsk) ?? false }
    for (entry, found) in zip(ours, probe(ours)) { add(entry, found, request, seconds, to: &answers) }
    for entry in missing where !ours.contains(entry) {
      answers.append(MountAnswer(entry: entry, owner: entry.userID, outcome: .foreign))
    }
    return answers
  }

  // MARK: By sockets

  private func askFolders(
    _ request: ControlRequest, _ seconds: Int, _ mountPoint: String?, _ entries: [MountTableEntry]
  ) -> [MountAnswer] {
    var answers: [MountAnswer] = []
    for folder in folders {
      // Only the daemon of him who mounted it can tell the truth; of a detached mount nobody knows who that was.
      if mountPoint != nil, let entry = entries.first, entry.userID != folder.owner { continue }
      do throws(ControlError) {
        try folder.check()
      } catch {
        if error != .absent {
          let failure = ControlFailure(path: folder.path, error: error)
          answers.append(MountAnswer(owner: folder.owner, outcome: .failed(failure)))
        }
        continue
      }
      for socket in mountPoint.map({ [folder.socket(mountPoint: $0)] }) ?? folder.sockets {
        guard let outcome = ask(request, socket, seconds) else { continue }
        let entry = entries.first { $0.userID == folder.owner && folder.socket(mountPoint: $0.mountPoint) == socket }
        answers.append(MountAnswer(entry: entry, socket: socket, owner: folder.owner, outcome: outcome))
      }
    }
    return answers
  }

  /// - Returns: nil when nobody listens.
  private func ask(_ request: ControlRequest, _ socket: ControlSocket, _ seconds: Int) -> MountAnswer.Outcome? {
    do throws(ControlError) {
      return .reply(try ControlClient.ask(request, at: socket, seconds: seconds))
    } catch {
      return error == .absent ? nil : .failed(ControlFailure(path: socket.path, error: error))
    }
  }

  // MARK: By mounts

  /// The mounts, each once however often it is bound, whose daemons have not been found.
  private static func without(_ answers: [MountAnswer], _ entries: [MountTableEntry]) -> [MountTableEntry] {
    var seen = Set(answers.filter(\.isFromDaemon).compactMap(\.entry?.device))
    return entries.filter { seen.insert($0.device).inserted }
  }

  private func add(
    _ entry: MountTableEntry, _ found: ControlAttribute.Answer, _ request: ControlRequest, _ seconds: Int,
    to answers: inout [MountAnswer]
  ) {
    var answer = MountAnswer(entry: entry, owner: entry.userID, outcome: .silent)
    switch found {
    case .socket(let path):
      let socket = ControlSocket(path: path, owner: entry.userID ?? 0)
      // A bound or moved mount is not where its daemon has mounted it.
      if let known = answers.firstIndex(where: { $0.socket == socket }) {
        answers[known].entry = answers[known].entry ?? entry
        return
      }
      answer.socket = socket
      answer.outcome =
        ask(request, socket, seconds) ?? .failed(ControlFailure(path: entry.mountPoint, error: .unreachable))
    case .dead: answer.outcome = .dead
    case .unknown: answer.outcome = .otherProgram
    case .refused: answer.outcome = .foreign
    case .silent: break
    }
    answers.append(answer)
  }
}

extension MountAnswer {
  /// A daemon listens there, even if it does not answer: the mount need not be asked.
  fileprivate var isFromDaemon: Bool {
    switch outcome {
    case .reply: true
    case .failed(let failure): failure.error == .timedOut
    case .dead, .silent, .otherProgram, .foreign: false
    }
  }
}

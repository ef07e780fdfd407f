import AFSControl
import AFSFuse
import ArgumentParser
import Glibc

/// `afsfuse unmount`.
struct UnmountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unmount",
    abstract: "Stores what is not stored yet, ends the mount and its daemon.",
    aliases: ["umount"])

  @Argument(help: "Where it is mounted.", completion: .directory)
  var mountPoint: String

  @Flag(
    help: """
      Detach a mount that is in use, or whose daemon does not answer; it is served until its last user is gone.
      """)
  var lazy = false

  func run() throws {
    do throws(Failure) {
      try unmount()
    } catch {
      throw error.report()
    }
  }

  private func unmount() throws(Failure) {
    let path = try MountPath.resolved(mountPoint)
    let answers = MountSearch.ofOwner.ask(.status, seconds: 10, at: path)
    // What is wrong with a folder of sockets does not concern the mount.
    for answer in answers where answer.entry == nil && answer.isWithoutReply {
      if let text = answer.failure { printError("afsfuse: \(text)") }
    }
    let ofMount = answers.filter { $0.entry != nil }
    if let answer = ofMount.first(where: { !$0.isWithoutReply }) ?? ofMount.first {
      try unmount(path, answer)
    } else if let socket = answers.first(where: { !$0.isWithoutReply })?.socket {
      try ask(path, socket)
    } else {
      throw Self.absent(path)
    }
  }

  private func unmount(_ path: String, _ answer: MountAnswer) throws(Failure) {
    switch UnmountCourse(path, answer, isLazy: lazy, isBound: Self.isBound(answer), user: geteuid()) {
    case .ask(let socket): try ask(path, socket)
    case .detach:
      try detach(path)
      if let text = Aftermath.ofMute(path, answer.outcome) { print(text) }
    case .refuse(let text): throw Failure(text)
    }
  }

  /// The daemon has mounted it somewhere else, and that is another mount, which stays.
  private static func isBound(_ answer: MountAnswer) -> Bool {
    guard let entry = answer.entry, case .reply(.status(let status)) = answer.outcome,
      entry.mountPoint != status.mountPoint
    else { return false }
    return MountTable.own.contains { $0.mountPoint == status.mountPoint && $0.device == entry.device }
  }

  private func ask(_ path: String, _ socket: ControlSocket) throws(Failure) {
    do throws(ControlError) {
      let reply = try ControlClient.ask(.unmount(lazily: lazy), at: socket, seconds: 0)
      if case .failed(let text) = reply { throw .refused(text) }
    } catch {
      throw Failure(error.description)
    }
    if lazy, let status = Aftermath.status(of: socket) { print(Aftermath.text(path, status)) }
  }

  private func detach(_ path: String) throws(Failure) {
    do throws(MountError) {
      try KernelMount.unmount(path, lazily: lazy)
    } catch {
      throw Failure(error.description)
    }
  }

  private static func absent(_ path: String) -> Failure {
    guard let entry = MountTable.entry(at: path) else { return Failure(MountError.notMounted(path).description) }
    return Failure("\(path) is not a mount of afsfuse but of \(entry.type)")
  }
}

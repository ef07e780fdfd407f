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

  @Flag(help: "Detach a mount that is in use; it is served until its last user is gone.")
  var lazy = false

  func run() throws {
    do throws(Failure) {
      try unmount()
    } catch {
      throw error.report()
    }
  }

  private func unmount() throws(Failure) {
    // Without a look at the mount itself, whose daemon may be gone, or wait; a symbolic link to it is followed.
    let byParent = MountPoint.isSymbolicLink(mountPoint) ? nil : MountPoint.resolvedByParent(mountPoint)
    guard let path = byParent ?? (try? MountPoint.resolved(mountPoint)) else {
      throw Failure(MountError.missing(mountPoint).description)
    }
    let mounter = MountTable.entry(at: path)?.userID
    // Only the daemon of him who mounted it can tell the truth; of a detached mount nobody knows who that was.
    for folder in RuntimeFolder.all where mounter == nil || folder.owner == mounter {
      do throws(ControlError) {
        let reply = try ControlClient.ask(
          .unmount(lazily: lazy), at: folder.socket(mountPoint: path), seconds: 0)
        if case .failed(let text) = reply { throw .refused(text) }
        return
      } catch {
        switch error {
        case .absent: continue
        // No daemon of ours listens there; the kernel is asked.
        case .badFolder: printError("afsfuse: \(error)")
        default: throw Failure(error.description)
        }
      }
    }
    // No daemon listens: it is gone, or another user's.
    guard let entry = MountTable.entry(at: path) else { throw Failure(MountError.notMounted(path).description) }
    guard entry.type == "fuse.afsfuse" else { throw Failure("\(path) is not a mount of afsfuse but of \(entry.type)") }
    if let owner = entry.userID, geteuid() != 0, owner != geteuid() {
      throw Failure("\(path) was mounted by \(UserName.of(owner)): only he and root can unmount it")
    }
    do throws(MountError) {
      try KernelMount.unmount(path, lazily: lazy)
    } catch {
      throw Failure(error.description)
    }
  }
}

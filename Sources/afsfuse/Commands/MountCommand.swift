import ArgumentParser

/// `afsfuse mount`: starts a daemon and returns when the mount can be used.
struct MountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mount",
    abstract: "Mounts AFS at a folder; returns when the mount can be used.",
    discussion: """
      Set-user-id programs and device files of the mount count only with '-o allow_suid' and '-o allow_dev'. \
      SIGTERM and SIGINT end the daemon as 'afsfuse unmount' does. As a service of systemd: Type=notify and \
      --foreground.
      """)

  @OptionGroup var arguments: MountArguments

  func run() throws {
    let status: Int32
    do throws(Failure) {
      status = try start()
    } catch {
      throw error.report()
    }
    if status != 0 { throw ExitCode(status) }
  }

  /// - Returns: the exit status.
  private func start() throws(Failure) -> Int32 {
    var arguments = arguments
    let options = try arguments.applyOptionLists()
    if arguments.fake {
      _ = try arguments.settings(options)
      return 0
    }
    if let descriptor = arguments.readyDescriptor {
      return Daemon.main(arguments, options, readiness: Readiness(descriptor: descriptor))
    }
    if arguments.foreground {
      return Daemon.main(arguments, options, readiness: Readiness(descriptor: nil))
    }
    // What is wrong with the command line is said without a daemon.
    _ = try arguments.settings(options)
    try Launcher.start()
    return 0
  }
}

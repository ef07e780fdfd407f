import ArgumentParser
import Glibc
import RxGen

/// Generates Swift from interface files, or checks that it was.
@main
struct RxGenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rxgen",
    abstract: "Generate Swift client and server stubs from Rx interface files.",
    discussion: "All .xg files of a folder are read; the output folder holds nothing but what rxgen writes.")

  @Argument(help: ArgumentHelp("Folder of the interface files.", valueName: "interfaces"))
  var interfaces: String

  @Argument(help: ArgumentHelp("Folder of the generated Swift files.", valueName: "output"))
  var output: String

  @Option(help: "Ending of the generated files' names, for golden files.")
  var suffix = ""

  @Flag(help: "Write nothing; fail if the output folder differs from what would be written.")
  var check = false

  func run() throws {
    var sources: [String: String] = [:]
    for name in try Folder.names(in: interfaces) where name.hasSuffix(".xg") {
      sources[name] = try Folder.read("\(interfaces)/\(name)")
    }
    var outputs = try Generator(sources: sources).generateAll()
    for index in outputs.indices { outputs[index].name += suffix }
    let stale = try Folder.names(in: output).filter { name in
      name.hasSuffix(".swift" + suffix) && !outputs.contains { $0.name == name }
    }
    if check {
      try compare(outputs, stale)
      return
    }
    for file in outputs { try Folder.write(file.text, to: "\(output)/\(file.name)") }
    for name in stale { unlink("\(output)/\(name)") }
  }

  private func compare(_ outputs: [Generator.Output], _ stale: [String]) throws {
    var differing = stale.map { "\($0): not generated any more" }
    for file in outputs where (try? Folder.read("\(output)/\(file.name)")) != file.text {
      differing.append("\(file.name): differs from its interface")
    }
    for line in differing.sorted() { print(line) }
    if !differing.isEmpty { throw ExitCode.failure }
  }
}

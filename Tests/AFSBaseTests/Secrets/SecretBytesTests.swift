import Glibc
import Testing

@testable import AFSBase

@Suite struct SecretBytesTests {
  /// The flags (proc_pid_smaps(5)) of the mapping that an address lies in.
  private static func flags(of address: UInt) -> Set<Substring> {
    guard let file = fopen("/proc/self/smaps", "r") else { return [] }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 4096)
    var isHere = false
    while fgets(&line, Int32(line.count), file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .split(separator: " ")
      let ends = words.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
      if ends.count == 2 { isHere = (ends[0]..<ends[1]).contains(address) }
      if isHere, words.first == "VmFlags:" { return Set(words.dropFirst()) }
    }
    return []
  }

  @Test("A secret lies in pages that are left out of core dumps, and gives back what was put in")
  func pages() {
    let secret = SecretBytes([1, 2, 3, 4, 5][1...3])
    secret.withUnsafeBytes { bytes in
      #expect(bytes.elementsEqual([2, 3, 4]))
      #expect(Self.flags(of: UInt(bitPattern: bytes.baseAddress)).contains("dd"))
    }
    let ordinary = [UInt8](repeating: 1, count: 64)
    ordinary.withUnsafeBytes { #expect(!Self.flags(of: UInt(bitPattern: $0.baseAddress)).contains("dd")) }
  }

  @Test("Secrets are equal by their bytes, and their hash tells of none")
  func equality() {
    #expect(SecretBytes([1, 2]) == SecretBytes([1, 2]))
    #expect(SecretBytes([1, 2]) != SecretBytes([1, 3]) && SecretBytes([1, 2]) != SecretBytes([1, 2, 0]))
    #expect(SecretBytes([1, 2]).hashValue == SecretBytes([3, 4]).hashValue)
    #expect("\(SecretBytes([77]))\(String(reflecting: SecretBytes([77])))" == "(secret)(secret)")
  }

  @Test("Wiped bytes are zeros")
  func wiping() {
    var bytes: [UInt8] = [1, 2, 3]
    ConstantTime.wipe(&bytes)
    #expect(bytes == [0, 0, 0])
    #expect(ConstantTime.areEqual([1, 2], [1, 2]) && !ConstantTime.areEqual([1, 2], [1, 2, 3]))
  }
}

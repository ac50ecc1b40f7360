# configure(OUT ...): one run of the module; OUT says "made", or the error on one line.
function(configure out)
  file(REMOVE_RECURSE ${WORK}/made)
  execute_process(COMMAND ${CMAKE_COMMAND} -D OUTPUT=${WORK}/made ${ARGN} -P ${TOP}/cmake/configured.cmake
    RESULT_VARIABLE status ERROR_VARIABLE error)
  if(status EQUAL 0 AND EXISTS ${WORK}/made/mulproc/configured.hpp)
    set(${out} made PARENT_SCOPE)
  else()
    string(REGEX REPLACE "[ \n]+" " " error "${error}")
    set(${out} "${error}" PARENT_SCOPE)
  endif()
endfunction()
function(expect what got wanted)
  if(NOT got MATCHES "${wanted}")
    message(SEND_ERROR "${what}: wanted ${wanted}, got: ${got}")
  endif()
endfunction()
function(channel out)
  file(STRINGS ${WORK}/made/mulproc/configured.hpp line REGEX "^using ConfiguredChannel")
  set(${out} "${line}" PARENT_SCOPE)
endfunction()

configure(answer)
expect("nothing chosen" "${answer}" "^made$")
channel(words)
expect("the defaults are the recommended words" "${words}" "transport::shm_deque, serializer::boost_binary, routing::addressed_to_me>")

foreach(transport pipe message_queue shm_deque shm_lanes in_memory)
  configure(answer -D MULPROC_TRANSPORT=${transport} -D MULPROC_SERIALIZER=json -D MULPROC_ROUTING=only_to_me)
  expect(${transport} "${answer}" "^made$")
  channel(words)
  expect("the words chosen" "${words}" "transport::${transport}, serializer::json, routing::only_to_me>")
endforeach()

configure(answer -D MULPROC_TRANSPORT=pipes)
expect("a wrong transport" "${answer}" "MULPROC_TRANSPORT=pipes: there is no such transport. One of: in_memory, message_queue, pipe, shm_deque, shm_lanes")
configure(answer -D MULPROC_TRANSPORT=)
expect("no transport" "${answer}" "there is no such transport. One of: in_memory")
configure(answer -D MULPROC_SERIALIZER=xml)
expect("a wrong serializer" "${answer}" "MULPROC_SERIALIZER=xml: there is no such serializer. One of: boost_binary, boost_text, json, trivially_copyable\\.")
configure(answer -D MULPROC_SERIALIZER=bounded_archive)
expect("a helper's file is no serializer" "${answer}" "there is no such serializer")
configure(answer -D MULPROC_ROUTING=mine)
expect("a wrong routing policy" "${answer}" "there is no such routing. One of: addressed_to_me, everything, from, only_to_me\\. Not by a word alone, for they need arguments: all_of, any_of, none_of, with_request")
configure(answer -D MULPROC_ROUTING=all_of)
expect("a combinator" "${answer}" "MULPROC_ROUTING=all_of: it needs arguments, which a word alone cannot give")

# Three words that do not go together do not compile, and the message says what to do. The transport is made up here:
# one that delivers by address.
file(REMOVE_RECURSE ${WORK}/policies)
file(COPY ${TOP}/policies/mulproc DESTINATION ${WORK}/policies)
file(WRITE ${WORK}/policies/mulproc/transport/letter_box.hpp [[
#include <mulproc/transport/in_memory.hpp>
namespace mulproc::transport {
struct letter_box : in_memory {
  static constexpr Promises promises{.between_processes = false, .addressed = true};
};
}  // namespace mulproc::transport
]])
foreach(routing everything addressed_to_me)
  configure(answer -D POLICIES=${WORK}/policies -D MULPROC_TRANSPORT=letter_box -D MULPROC_ROUTING=${routing})
  expect(letter_box "${answer}" "^made$")
  execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -I${WORK}/made -I${TOP}/framework -I${WORK}/policies
    -x c++ ${WORK}/made/mulproc/configured.hpp RESULT_VARIABLE status ERROR_VARIABLE error)
  if(routing STREQUAL everything)
    expect("what an addressed transport cannot carry" "${status} ${error}" "^1 .*shows an endpoint only its own and anyone.s mail.*choose MULPROC_ROUTING=addressed_to_me")
  elseif(NOT status EQUAL 0)
    message(SEND_ERROR "what an addressed transport can carry: ${error}")
  endif()
endforeach()
